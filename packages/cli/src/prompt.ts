import { cancel, confirm, isCancel, password, text } from '@clack/prompts'

import { CommandError } from './errors.ts'

/** Whether somebody can be asked. */
export function interactive(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true
}

/** Asks for a text. @throws CommandError when nobody can be asked, naming the flag to give instead. */
export async function ask(message: string, flag: string, fallback?: string): Promise<string> {
  if (!interactive()) throw new CommandError(`${flag} is required: there is no terminal to ask on`)
  return taken(await text({ message, ...(fallback === undefined ? {} : { initialValue: fallback }) }))
}

/** Asks for a secret. @throws CommandError as {@link ask}. */
export async function askSecret(message: string, flag: string): Promise<string> {
  if (!interactive()) throw new CommandError(`${flag} is required: there is no terminal to ask on`)
  return taken(await password({ message }))
}

/** Asks before something is done that cannot be undone; `--yes` answers in advance. @throws CommandError on no. */
export async function sure(message: string, yes: boolean | undefined): Promise<void> {
  if (yes === true) return
  if (!interactive()) throw new CommandError('add --yes: there is no terminal to ask on')
  const answer = await confirm({ message })
  if (isCancel(answer) || !answer) throw new CommandError('nothing was done')
}

function taken(answer: string | symbol | undefined): string {
  if (typeof answer === 'string') return answer
  cancel('nothing was done')
  throw new CommandError('nothing was done')
}
