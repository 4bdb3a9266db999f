const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const

/** Names of the days in a bit set whose lowest bit is Monday. */
export function weekdaysOf(bits: number): (typeof DAYS)[number][] {
  return DAYS.filter((_, day) => (bits & (1 << day)) !== 0)
}

/** The bit set of these days. */
export function weekdayBits(days: readonly (typeof DAYS)[number][]): number {
  return days.reduce((bits, day) => bits | (1 << DAYS.indexOf(day)), 0)
}
