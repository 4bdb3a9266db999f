const UNREADABLE = '\u274c'

/**
 * A text as the database can hold it: what is no character is replaced by U+274C, so that the rest is kept and
 * readers see that something was there (AC-91).
 */
export function storable(text: string): string {
  return text.toWellFormed().replace(/[\0\ufffd]/g, UNREADABLE)
}
