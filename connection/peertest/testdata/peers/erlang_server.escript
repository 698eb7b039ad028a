#!/usr/bin/env escript
%% A server on Erlang's ssh: one command, cat.
%%
%% usage: erlang_server.escript DIR USER PASSWORD KEX CIPHERS MACS SIGNATURES COMPRESSION
%% DIR holds the host keys and authorized_keys under their usual names. The first line of standard output is "listening on PORT".
-mode(compile).
-export([init/1, handle_msg/2, handle_ssh_msg/2, terminate/2]).

main([Dir, User, Password | Lists]) ->
    {ok, _} = application:ensure_all_started(ssh),
    logger:set_primary_config(level, none),
    Names = lists:zip([kex, cipher, mac, public_key, compression], Lists),
    Split = fun(L) -> [list_to_atom(N) || N <- string:lexemes(L, ",")] end,
    {ok, Daemon} = ssh:daemon({127, 0, 0, 1}, 0,
        [{system_dir, Dir}, {user_dir, Dir}, {user_passwords, [{User, Password}]}, {auth_methods, "publickey,password"},
         {ssh_cli, {?MODULE, []}}, {subsystems, []}, {preferred_algorithms, [{K, Split(V)} || {K, V} <- Names]}]),
    {ok, Info} = ssh:daemon_info(Daemon),
    io:format("listening on ~w~n", [proplists:get_value(port, Info)]),
    io:get_line(""), % our input ends with the test
    halt(0).

init(_) -> {ok, none}.

handle_msg(_, State) -> {ok, State}.

handle_ssh_msg({ssh_cm, Conn, {exec, Channel, Reply, "cat"}}, State) ->
    ssh_connection:reply_request(Conn, Reply, success, Channel),
    {ok, State};
handle_ssh_msg({ssh_cm, Conn, {data, Channel, 0, Data}}, State) ->
    ssh_connection:send(Conn, Channel, Data),
    {ok, State};
handle_ssh_msg({ssh_cm, Conn, {eof, Channel}}, State) ->
    ssh_connection:send_eof(Conn, Channel),
    ssh_connection:exit_status(Conn, Channel, 0),
    {stop, Channel, State};
handle_ssh_msg(_, State) -> {ok, State}.

terminate(_, _) -> ok.
