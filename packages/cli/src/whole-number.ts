import { CommandError } from './errors.ts'

/** A whole number that was given, of at least so much. @throws CommandError naming `what` for anything else. */
export function wholeNumber(text: string, what: string, least = 1): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number
  throw new CommandError(`${what} must be a whole number from ${least} on, not ${JSON.stringify(text)}`)
}
