# Tab for rusty-kv in fish. In ~/.config/fish/config.fish: rusty-kv completions fish | source
function __rusty_kv
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l lines (command rusty-kv __complete fish "$word" $words[2..] 2>/dev/null)
    switch "$lines[1]"
        case files
            # What stands after the = of --file= is a path of its own.
            set -l flag (string match -r -- '^--[a-z-]+=' "$word"; or echo)
            for path in (__fish_complete_path (string replace -- "$flag" '' "$word"))
                echo $flag$path
            end
        case programs
            complete -C "$word"
        case words open
            string join \n -- $lines[2..]
    end
end
complete -c rusty-kv -k -f -a '(__rusty_kv)'
