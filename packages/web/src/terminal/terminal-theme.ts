import type { ITheme } from '@xterm/xterm'

const NAMES = [
  'black',
  'red',
  'green',
  'yellow',
  'blue',
  'magenta',
  'cyan',
  'white',
  'brightBlack',
  'brightRed',
  'brightGreen',
  'brightYellow',
  'brightBlue',
  'brightMagenta',
  'brightCyan',
  'brightWhite',
] as const

/** The terminal's colours from the token table, as they are now in the shown theme. */
export function terminalTheme(): ITheme {
  // `light-dark()` resolves only in a property that is a colour.
  const probe = document.createElement('span')
  probe.hidden = true
  document.body.append(probe)
  const resolve = (token: string) => {
    probe.style.color = `var(--${token})`
    return getComputedStyle(probe).color
  }
  try {
    return {
      background: resolve('console'),
      foreground: resolve('ink'),
      cursor: resolve('accent'),
      cursorAccent: resolve('console'),
      selectionBackground: translucent(resolve('accent')),
      ...Object.fromEntries(NAMES.map((name, index) => [name, resolve(`ansi-${index}`)])),
    }
  } finally {
    probe.remove()
  }
}

function translucent(color: string): string {
  return color.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.28)')
}
