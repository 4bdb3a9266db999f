/** WCAG 2.2 contrast ratio of two `#rrggbb` colours, 1 to 21. */
export function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05)
}

function luminance(color: string): number {
  const channel = (at: number) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

/** Both columns of the token table, from the text of the style sheet: `--name: light-dark(#…, #…)` in the block of a selector. */
export function tokenTable(
  css: string,
  selector = ':root',
): ReadonlyMap<string, { readonly light: string; readonly dark: string }> {
  const from = css.indexOf(`${selector} {`)
  const root = css.slice(from, css.indexOf('\n}', from))
  return new Map(
    [...root.matchAll(/--([\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)/gi)].map(
      ([, name = '', light = '', dark = '']) => [name, { light, dark }],
    ),
  )
}
