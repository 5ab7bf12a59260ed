// What the shells load. Each asks `gantry __complete WORDS…` (the last word unfinished) and reads lines "value<tab>about",
// the last line ":N": 1 the question failed, 2 no space after the word, 4 no files instead.

const bash = (
  program: string,
): string => `# bash completion of ${program}; load it with: source <(${program} completion bash)

_${program}_complete() {
  local line=\${COMP_LINE:0:COMP_POINT} current reply directive prefix quote= quoted= i
  local -a words=("")
  # The words as the program gets them: those of COMP_WORDS are cut at "=" and ":", and have their quotes.
  for ((i = 0; i < \${#line}; i++)); do
    case $quote\${line:i:1} in
      '""' | "''") quote= ;;
      '"\\' | '\\') words[-1]+=\${line:++i:1} ;;
      '"' | "'") quote=\${line:i:1} quoted=1 ;;
      [[:space:]]) [[ -n \${words[-1]}$quoted ]] && words+=("") quoted= ;;
      *) words[-1]+=\${line:i:1} ;;
    esac
  done
  current=\${words[-1]}
  reply=$(command "\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null) || return
  directive=\${reply##*:}
  reply=\${reply%:*}
  COMPREPLY=()
  # Readline completes only what follows the last "=" or ":" of the word.
  prefix=\${current%"\${current##*[=:]}"}
  while IFS=$'\\t' read -r value _; do
    [[ -n $value ]] && COMPREPLY+=("\${value#"$prefix"}")
  done <<<"$reply"
  ((directive & 2)) && compopt -o nospace
  if ((\${#COMPREPLY[@]} == 0 && !(directive & 4))); then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "\${current#"$prefix"}")
  fi
}
complete -F _${program}_complete ${program}
`;

const zsh = (program: string): string => `#compdef ${program}
# zsh completion of ${program}; put it into a folder of fpath as _${program}, or: source <(${program} completion zsh)

_${program}() {
  local -a lines described suffix
  local line value directive
  lines=("\${(@f)$(command \${words[1]} __complete "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  directive=\${lines[-1]#:}
  lines[-1]=()
  for line in $lines; do
    value=\${\${line%%$'\\t'*}//:/\\\\:}
    [[ $line == *$'\\t'* ]] && value+=:\${line#*$'\\t'}
    described+=("$value")
  done
  ((directive & 2)) && suffix=(-S '')
  if ((\${#described})); then
    _describe -V '${program}' described "\${suffix[@]}"
  elif ((!(directive & 4))); then
    compset -P '--*='
    _files
  fi
}
compdef _${program} ${program}
`;

const fish = (
  program: string,
): string => `# fish completion of ${program}; load it with: ${program} completion fish | source

function __${program}_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (command $words[1] __complete $words[2..-1] 2>/dev/null)
    or return
    set -l directive (string sub -s 2 -- $lines[-1])
    set -e lines[-1]
    if test (count $lines) -gt 0
        printf '%s\\n' $lines
    else if test (math "bitand($directive, 4)") -eq 0
        set -l flag (string match -r -- '^--[^=]*=' $words[-1])
        printf '%s\\n' "$flag"(__fish_complete_path (string sub -s (math 1 + (string length -- "$flag")) -- $words[-1]))
    end
end
complete -c ${program} -f -a '(__${program}_complete)'
`;

export const completionScripts: Readonly<Record<string, (program: string) => string>> = { bash, fish, zsh };
