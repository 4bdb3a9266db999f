/** As long as a text for models may be (CH-5.1), in bytes of UTF-8. */
export const MOST_BYTES = 131_072

export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length
}
