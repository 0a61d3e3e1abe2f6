# Tab for rusty-kv in bash. In ~/.bashrc: source <(rusty-kv completions bash)
_rusty_kv() {
    local how= word=
    COMPREPLY=()
    while IFS= read -r word; do
        if [[ -z $how ]]; then how=$word; else COMPREPLY+=("$word"); fi
    done < <(command rusty-kv __complete bash "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
    case $how in
        open) compopt -o nospace ;;
        files) compopt -o bashdefault -o default ;;
        programs) while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -c -- "$2") ;;
    esac 2>/dev/null
}
complete -F _rusty_kv rusty-kv
