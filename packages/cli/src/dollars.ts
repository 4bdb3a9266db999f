import { CommandError } from './errors.ts'

const MICROS = 1_000_000

/** An amount of dollars such as `12`, `12.50` or `$0.001`, in millionths. @throws CommandError naming `what` for anything else. */
export function micros(text: string, what: string): number {
  const [, dollars, fraction = ''] = /^\$?(\d{1,9})(?:\.(\d{1,6}))?$/.exec(text.trim()) ?? []
  if (dollars === undefined)
    throw new CommandError(`${what} must be an amount of dollars such as 12.50, not ${JSON.stringify(text)}`)
  return Number(dollars) * MICROS + Number(fraction.padEnd(6, '0'))
}

/** Millionths of a dollar, for people: `$12.50`, and more digits where there are some. `nothing` stands for null. */
export function dollars(amount: number | null, nothing: string): string {
  if (amount === null) return nothing
  const digits = (amount / MICROS).toFixed(6).replace(/0{1,4}$/, '')
  return `$${digits}`
}
