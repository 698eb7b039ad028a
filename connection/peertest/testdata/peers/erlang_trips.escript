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

trip(Dir, User, Password, Command, Data, [_, Port, Kex, Cipher, Mac, HostKey, Compression, Keys]) ->
    Known = ["SHA256:" ++ fingerprint(K) || K <- string:split(Keys, ",", all)],
    Lists = [{kex, Kex}, {cipher, Cipher}, {mac, mac(Cipher, Mac)}, {public_key, HostKey}, {compression, Compression}],
    {ok, Conn} = ssh:connect({127, 0, 0, 1}, list_to_integer(Port),
        [{user, User}, {password, Password}, {user_dir, Dir}, {auth_methods, "password"}, {user_interaction, false},
         {silently_accept_hosts, {sha256, fun(_, F) -> lists:member(F, Known) end}}, {save_accepted_host, false},
         {preferred_algorithms, [{K, [list_to_atom(V)]} || {K, V} <- Lists, V =/= "-"]}], 60000),
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
