# Tab for rusty-kv in fish. In ~/.config/fish/config.fish: rusty-kv completions fish | source
function __rusty_kv
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l lines (command rusty-kv __complete fish "$word" $words[2..] 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path "$word"
        case programs
            complete -C "$word"
        case words open
            string join \n -- $lines[2..]
    end
end
complete -c rusty-kv -k -f -a '(__rusty_kv)'
