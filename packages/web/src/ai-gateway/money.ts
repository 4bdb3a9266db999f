const MICROS = 1_000_000

/** As much as any limit of the gateway can be, in dollars (AG-112). */
const MOST_DOLLARS = 1_000_000

/** An amount as it is typed: "25", "0.05"; without an exponent or zeros at the end. */
export function amountText(micros: number | null): string {
  if (micros === null) return ''
  const digits = (micros / MICROS).toFixed(6)
  return digits.replace(/\.?0+$/, '')
}

/** The other way around, in millionths of a dollar; undefined for what is no amount. */
export function parseAmount(text: string): number | undefined {
  const plain = text.trim().replace(/^\$/, '').replaceAll(',', '')
  if (!/^\d+(\.\d{0,6})?$/.test(plain)) return undefined
  const micros = Math.round(Number(plain) * MICROS)
  return micros <= MOST_DOLLARS * MICROS ? micros : undefined
}

/** What is wrong with a typed limit; an empty one is no limit where that is allowed. */
export function amountFault(text: string, needed: boolean): string | undefined {
  if (text.trim() === '') return needed ? 'Type an amount in dollars; 0 blocks everything.' : undefined
  return parseAmount(text) === undefined ? 'An amount in dollars from 0 to 1,000,000.' : undefined
}

const cents = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' })
const whole = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  minimumFractionDigits: 2,
  maximumFractionDigits: 6,
})

/** An amount in a column of others: whole cents, and what is less than one says so. */
export function money(micros: number): string {
  return micros > 0 && micros < 10_000 ? '<$0.01' : cents.format(micros / MICROS)
}

/** A price: never rounded. */
export function priceText(micros: number): string {
  return whole.format(micros / MICROS)
}

/** "12.3k", "1.2M": a count where a row has little room. */
export function shortCount(count: number): string {
  return new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 }).format(count)
}

/** What share of a limit is spent, from 0 to 1; 1 of a limit of nothing. */
export function shareOf(spent: number, limit: number): number {
  return limit <= 0 ? 1 : Math.min(1, spent / limit)
}
