import { createInterface } from 'node:readline/promises'
import type { WriteStream } from 'node:tty'

import {
  autocompleteMultiselect,
  cancel,
  confirm,
  isCancel,
  log,
  password,
  select,
  text,
} from '@clack/prompts'

import { CommandError, Declined } from './errors.ts'

let forced = false

let over: AbortSignal | undefined

/** A prompt by itself would wait for ever for answers of an input that has ended. */
function inputOver(): AbortSignal {
  if (over === undefined) {
    const ended = new AbortController()
    process.stdin.once('end', () => ended.abort())
    over = ended.signal
  }
  return over
}

/** Asks as on a terminal although there is none (`--force-tty`). */
export function treatAsTerminal(): void {
  forced = true
}

/** Whether somebody can be asked, with questions on this output. */
export function interactive(output: WriteStream = process.stdout): boolean {
  return forced || (process.stdin.isTTY === true && output.isTTY === true)
}

/** Asks for a text. @throws CommandError when nobody can be asked, naming the flag to give instead. */
export async function ask(message: string, flag: string, fallback?: string): Promise<string> {
  if (!interactive()) throw new CommandError(`${flag} is required: there is no terminal to ask on`)
  return taken(
    await text({
      message,
      signal: inputOver(),
      ...(fallback === undefined ? {} : { initialValue: fallback }),
    }),
  )
}

/** Asks for a secret. @throws CommandError as {@link ask}. */
export async function askSecret(
  message: string,
  flag: string,
  output: WriteStream = process.stdout,
): Promise<string> {
  if (!interactive(output)) throw new CommandError(`${flag} is required: there is no terminal to ask on`)
  return taken(await password({ message, output, signal: inputOver() }), output)
}

/** Asks for a secret that is new, twice. @throws CommandError as {@link ask}. */
export async function askNewSecret(message: string, flag: string): Promise<string> {
  for (;;) {
    const secret = await askSecret(message, flag)
    if ((await askSecret('Once more', flag)) === secret) return secret
    log.warn('These were two different ones.')
  }
}

/** Asks for one of several. @throws CommandError listing them when nobody can be asked. */
export async function choose(message: string, flag: string, options: readonly string[]): Promise<string> {
  if (!interactive()) throw new CommandError(`${flag}: ${options.join(', ')}`)
  return pick(
    message,
    options.map((value) => ({ value, label: value })),
  )
}

/** Lets somebody at a terminal pick one of several. @throws Declined when they do not. */
export async function pick(
  message: string,
  options: readonly { readonly value: string; readonly label: string; readonly hint?: string }[],
  first?: string,
): Promise<string> {
  return taken(
    await select({
      message,
      signal: inputOver(),
      options: [...options],
      ...(first === undefined ? {} : { initialValue: first }),
    }),
  )
}

/**
 * Lets somebody at a terminal pick any number of many, by typing parts of their names. @throws Declined when they do
 * not, CommandError when nobody can be asked.
 */
export async function pickSeveral(
  message: string,
  flag: string,
  options: readonly { readonly value: string; readonly label: string; readonly hint?: string }[],
  chosen: readonly string[],
): Promise<string[]> {
  if (!interactive()) throw new CommandError(`${flag} is required: there is no terminal to ask on`)
  const answer = await autocompleteMultiselect({
    message,
    signal: inputOver(),
    options: [...options],
    initialValues: [...chosen],
    maxItems: 12,
  })
  if (!isCancel(answer)) return answer
  cancel('nothing was done')
  throw new Declined()
}

/**
 * Asks before something is done that cannot be undone; `--yes` answers in advance, and without a terminal the first
 * line of standard input does (OP-185).
 *
 * @throws Declined on no, CommandError when there is no answer.
 */
export async function sure(message: string, yes: boolean | undefined): Promise<void> {
  if (yes === true) return
  if (!interactive()) {
    process.stderr.write(`${message} (yes/no) `)
    const answer = await firstLine()
    process.stderr.write('\n')
    if (answer === undefined) throw new CommandError('add --yes: there is no terminal to ask on')
    if (!/^y(es)?$/i.test(answer.trim())) throw new Declined()
    return
  }
  const answer = await confirm({ message, signal: inputOver() })
  if (isCancel(answer) || !answer) throw new Declined()
}

async function firstLine(): Promise<string | undefined> {
  using lines = createInterface({ input: process.stdin })
  for await (const line of lines) return line
  return undefined
}

function taken(answer: string | symbol | undefined, output: WriteStream = process.stdout): string {
  if (typeof answer === 'string') return answer
  cancel('nothing was done', { output })
  throw new Declined()
}
