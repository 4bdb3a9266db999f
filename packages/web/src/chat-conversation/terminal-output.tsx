// biome-ignore-all lint/suspicious/noArrayIndexKey: lines and spans have no identity but their place.
import { useMemo } from 'react'

import { classNames } from '../ui/class-names.ts'
import { parseAnsi } from '../ui/log/ansi.ts'
import { WindowedLines } from './windowed-lines.tsx'

/** Longest line that is drawn; of a longer one the beginning. */
const MAX_LINE = 4000

/** Output of a command: colours kept, every other escape sequence dropped (UI-2004). */
export function TerminalOutput({ text, live = false }: { readonly text: string; readonly live?: boolean }) {
  const lines = useMemo(() => text.replace(/\r\n/g, '\n').replace(/\n+$/, '').split('\n'), [text])
  return (
    <WindowedLines
      label="Output"
      count={lines.length}
      follow={live}
      className="px-3 py-2"
      line={(index) => <AnsiLine text={(lines[index] ?? '').slice(0, MAX_LINE)} />}
    />
  )
}

function AnsiLine({ text }: { readonly text: string }) {
  return (
    <span className="whitespace-pre">
      {parseAnsi(text).map(({ text: part, color, background, bold, dim, italic, underline }, index) => {
        if (color === undefined && background === undefined && !bold && !dim && !italic && !underline)
          return part
        return (
          <span
            key={index}
            className={classNames(
              bold === true && 'font-semibold',
              dim === true && 'text-ink-3',
              italic === true && 'italic',
              underline === true && 'underline',
            )}
            style={{
              ...(color === undefined ? {} : { color: `var(--ansi-${color})` }),
              ...(background === undefined ? {} : { boxShadow: `inset 0 -2px 0 var(--ansi-${background})` }),
            }}
          >
            {part}
          </span>
        )
      })}
    </span>
  )
}
