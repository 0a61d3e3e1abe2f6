#compdef rusty-kv
# Tab for rusty-kv in zsh. In ~/.zshrc, behind compinit: source <(rusty-kv completions zsh)
_rusty_kv() {
    local how line
    local -a lines values shown end
    lines=("${(@f)$(command rusty-kv __complete zsh "$compstate[quote]" "$PREFIX" "${(@Q)words[2,CURRENT-1]}" 2>/dev/null)}")
    how=$lines[1]
    case $how in
        # What stands after the = of --file= is a path of its own.
        files) compset -P 1 '--*='; _files; return ;;
        programs) _command_names -e; return ;;
        open) end=(-S '') ;;
        words) ;;
        *) return 1 ;;
    esac
    shift lines
    for line in $lines; do
        values+=("${(Q)line%%$'\t'*}")
        shown+=("${${line#*$'\t'}[1,COLUMNS-1]}")
    done
    # Each on a line of its own if anything is said of them.
    [[ ${(M)#shown:#*  -- *} -gt 0 ]] && end+=(-l)
    compadd $end -V keys -d shown -a values
}
if [[ $funcstack[1] == _rusty-kv ]]; then
    _rusty_kv "$@"
elif (( $+functions[compdef] )); then
    compdef _rusty_kv rusty-kv
else
    print -u2 "rusty-kv: Tab needs the completion of zsh: in ~/.zshrc, put 'autoload -U compinit && compinit' before this line"
fi
