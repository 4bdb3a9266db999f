import path from 'node:path'

/** Characters of a command that are looked at, and programs that are named. */
const MAX_LENGTH = 16_384
const MAX_COMMANDS = 64

/** Words of the shell that are followed by a command. */
const LEADING = new Set(['if', 'then', 'elif', 'else', 'while', 'until', 'do', '!', '{', 'time'])
const NO_COMMAND = new Set(['fi', 'done', 'esac', '}', 'for', 'case', 'select', 'function', 'in'])
const ASSIGNMENT = /^[A-Za-z_]\w*\+?=/

/**
 * The programs that a line of shell runs, each with its first argument that is no option; for showing it in short, not
 * for judging it (CH-121).
 */
export function parsedCommands(command: string): readonly (readonly string[])[] {
  return simpleCommands(command.slice(0, MAX_LENGTH))
    .flatMap((words) => {
      const named = nameOf(words)
      return named === undefined ? [] : [named]
    })
    .slice(0, MAX_COMMANDS)
}

function nameOf(words: readonly string[]): readonly string[] | undefined {
  const at = words.findIndex((word) => !ASSIGNMENT.test(word) && !LEADING.has(word))
  const program = words[at]
  if (program === undefined || NO_COMMAND.has(program)) return undefined
  const argument = words.slice(at + 1).find((word) => !word.startsWith('-'))
  const base = path.posix.basename(program)
  return argument === undefined ? [base] : [base, argument]
}

/** Splits at the operators of the shell, outside of quotes; redirections and comments are left out. */
function simpleCommands(text: string): readonly (readonly string[])[] {
  const commands: string[][] = []
  let words: string[] = []
  let word: string | undefined
  const endWord = (): void => {
    if (word !== undefined) words.push(word)
    word = undefined
  }
  const endCommand = (): void => {
    endWord()
    if (words.length > 0) commands.push(words)
    words = []
  }
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? ''
    if (char === '\\') {
      at += 1
      if (text[at] !== '\n') word = (word ?? '') + (text[at] ?? '')
    } else if (char === "'" || char === '"') {
      const end = endOfQuote(text, at)
      word = (word ?? '') + text.slice(at + 1, end)
      at = end
    } else if (char === '#' && word === undefined) {
      while (at + 1 < text.length && text[at + 1] !== '\n') at += 1
    } else if (char === '>' || char === '<') {
      if (word !== undefined && /^\d+$/.test(word)) word = undefined
      endWord()
      at = endOfRedirection(text, at)
    } else if (';|&\n()`'.includes(char)) endCommand()
    else if (/\s/.test(char)) endWord()
    else word = (word ?? '') + char
  }
  endCommand()
  return commands
}

function endOfQuote(text: string, start: number): number {
  const quote = text[start]
  for (let at = start + 1; at < text.length; at += 1) {
    if (quote === '"' && text[at] === '\\') at += 1
    else if (text[at] === quote) return at
  }
  return text.length
}

/** The last character of a redirection with its target. */
function endOfRedirection(text: string, start: number): number {
  const rest = /^(<<<|<<-?|>>|<>|>&|<&|>\||>|<)[ \t]*("[^"]*"|'[^']*'|[^\s;|&()<>]*)/.exec(text.slice(start))
  return start + (rest?.[0].length ?? 1) - 1
}
