import type { Command, Option } from 'commander'

/** Shells whose completion can be set up (OP-188). */
export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const
export type Shell = (typeof SHELLS)[number]

/** Asked by the scripts of shells, with the words behind the program's name up to the cursor. */
const COMPLETE = '__complete'

/** What the last of these words may become: names of commands, or flags when it begins like one. */
export function candidates(program: Command, words: readonly string[]): string[] {
  const typed = words.at(-1) ?? ''
  const { command, value, done } = commandIn(program, words.slice(0, -1))
  if (value || done) return []
  const help = command.createHelp()
  const names = typed.startsWith('-')
    ? help.visibleOptions(command).flatMap(({ long }) => long ?? [])
    : help.visibleCommands(command).map((one) => one.name())
  return names.filter((name) => name.startsWith(typed)).sort()
}

/** The command that words have come to, whether a flag's value follows, and whether `--` has ended the flags. */
function commandIn(program: Command, words: readonly string[]) {
  let command = program
  let value = false
  for (const word of words) {
    if (word === '--') return { command, value: false, done: true }
    if (value) value = false
    else if (word.startsWith('-')) value = optionsOf(command).some((one) => takesValue(one, word))
    else command = command.commands.find((one) => [one.name(), ...one.aliases()].includes(word)) ?? command
  }
  return { command, value, done: false }
}

function optionsOf(command: Command): Option[] {
  return [...command.options, ...(command.parent === null ? [] : optionsOf(command.parent))]
}

function takesValue(option: Option, word: string): boolean {
  return option.required && (word === option.long || word === option.short)
}

/** The script that makes a shell ask {@link candidates}. */
export function scriptFor(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return `_slipway() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <("\${COMP_WORDS[0]}" ${COMPLETE} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o bashdefault -o default -F _slipway slipway coder
`
    case 'zsh':
      return `(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_slipway() {
  local -a found
  found=("\${(@f)$("\${words[1]}" ${COMPLETE} "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _slipway slipway coder
`
    case 'fish':
      return `function __slipway_complete
  set -l words (commandline -opc)
  $words[1] ${COMPLETE} $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c slipway -a '(__slipway_complete)'
complete -c coder -a '(__slipway_complete)'
`
    case 'powershell':
      return `Register-ArgumentCompleter -Native -CommandName slipway, coder -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if ($wordToComplete -eq '') { $words += '' }
  & $commandAst.CommandElements[0].ToString() ${COMPLETE} @words 2>$null | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`
  }
}
