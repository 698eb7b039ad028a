#!/usr/bin/env escript
%% Trips of a client on Erlang's ssh; see the Go type Trips.
%%
%% usage: erlang_trips.escript DIR USER PASSWORD COMMAND INPUT TRIPS
-mode(compile).

main([Dir, User, Password, Command, Input, Trips]) ->
    {ok, _} = application:ensure_all_started(ssh),
    logger:set_primary_config(level, none),
    {ok, Data} = file:read_file(Input),
    {ok, List} = file:read_file(Trips),
    Lines = string:lexemes(unicode:characters_to_list(List), "\n"),
    [one(Dir, User, Password, Command, Data, string:split(L, "\t", all)) || L <- Lines],
    halt(0).

one(Dir, User, Password, Command, Data, [Name | _] = Fields) ->
    Outcome = try trip(Dir, User, Password, Command, Data, Fields)
              catch _:Reason -> io_lib:format("error\t~0p", [Reason]) end,
    io:format("~s\t~s~n", [Name, Outcome]).

trip(Dir, User, Password, Command, Data, [_, Port, Kex, Cipher, Mac, HostKey, Compression, Keys, Key, KeyAlgorithm | _]) ->
    Known = ["SHA256:" ++ fingerprint(K) || K <- string:split(Keys, ",", all)],
    Lists = [{kex, Kex}, {cipher, Cipher}, {mac, mac(Cipher, Mac)}, {compression, Compression}],
    PublicKeys = [list_to_atom(N) || N <- lists:usort(public_keys(HostKey, KeyAlgorithm))],
    {ok, Conn} = ssh:connect({127, 0, 0, 1}, list_to_integer(Port),
        login(Dir, Password, Key, KeyAlgorithm) ++ [{user, User}, {user_dir, Dir}, {user_interaction, false},
         {silently_accept_hosts, {sha256, fun(_, F) -> lists:member(F, Known) end}}, {save_accepted_host, false},
         {preferred_algorithms, [{public_key, PublicKeys} || PublicKeys =/= []] ++
             [{K, [list_to_atom(V)]} || {K, V} <- Lists, V =/= "-"]}], 60000),
    {ok, Channel} = ssh_connection:session_channel(Conn, 60000),
    success = ssh_connection:exec(Conn, Channel, Command, 60000),
    Self = self(),
    spawn_link(fun() ->
        ok = ssh_connection:send(Conn, Channel, Data, 60000),
        ok = ssh_connection:send_eof(Conn, Channel),
        Self ! sent
    end),
    {Status, Sum} = collect(Conn, Channel, crypto:hash_init(sha256), none),
    ssh:close(Conn),
    io_lib:format("~w\t~s", [Status, string:lowercase(binary:encode_hex(Sum))]).

%% One list is for the keys of hosts and of users.
public_keys("-", "-") -> [];
public_keys("-", KeyAlgorithm) -> [KeyAlgorithm, "ssh-ed25519"];
public_keys(HostKey, _) -> [HostKey].

%% User keys have the name of their kind in Dir.
login(_, Password, "-", _) -> [{password, Password}, {auth_methods, "password"}];
login(Dir, _, Key, Algorithm) ->
    Kinds = [{"ssh-ed25519", "ed25519"}, {"ssh-ed448", "ed448"}, {"ssh-dss", "dsa"},
        {"rsa-sha2-256", "rsa"}, {"rsa-sha2-512", "rsa"}, {"ssh-rsa", "rsa"}],
    {ok, _} = file:copy(Key, filename:join(Dir, "id_" ++ proplists:get_value(Algorithm, Kinds, "ecdsa"))),
    [{auth_methods, "publickey"}, {pref_public_key_algs, [list_to_atom(Algorithm)]}].

%% These are AEADs only where the list of MACs names them, too.
mac("AEAD_" ++ _ = Cipher, "-") -> Cipher;
mac(_, Mac) -> Mac.

fingerprint(Key) ->
    string:trim(binary_to_list(base64:encode(crypto:hash(sha256, base64:decode(Key)))), trailing, "=").

collect(Conn, Channel, Hash, Status) ->
    receive
        sent -> collect(Conn, Channel, Hash, Status);
        {ssh_cm, Conn, {data, Channel, 0, Got}} ->
            ssh_connection:adjust_window(Conn, Channel, byte_size(Got)),
            collect(Conn, Channel, crypto:hash_update(Hash, Got), Status);
        {ssh_cm, Conn, {exit_status, Channel, Code}} -> collect(Conn, Channel, Hash, Code);
        {ssh_cm, Conn, {closed, Channel}} -> {Status, crypto:hash_final(Hash)};
        {ssh_cm, Conn, _} -> collect(Conn, Channel, Hash, Status)
    after 60000 -> error(timeout)
    end.
