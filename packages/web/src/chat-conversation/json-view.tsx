import { useMemo } from 'react'

import { CopyButton } from '../ui/copyable.tsx'
import { ColouredCode } from './chat-code.tsx'

const MAX_CHARACTERS = 65_536

/** A value as JSON that can be read and copied. */
export function JsonView({ label, value }: { readonly label: string; readonly value: unknown }) {
  const whole = useMemo(
    () => (typeof value === 'string' ? value : (JSON.stringify(value, undefined, 2) ?? '')),
    [value],
  )
  if (whole === '' || whole === '{}') return null
  const cut = whole.length > MAX_CHARACTERS
  return (
    <div className="overflow-hidden rounded-card border border-line bg-surface">
      <div className="flex h-8 items-center justify-between border-b border-line pl-3 pr-1 text-xs text-ink-2">
        {label}
        <CopyButton text={whole} label={`Copy the ${label.toLowerCase()}`} />
      </div>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it only when it has the focus.
        tabIndex={0}
        className="max-h-80 overflow-auto whitespace-pre-wrap px-3 py-2 text-xs leading-5 [overflow-wrap:anywhere] focus-visible:-outline-offset-2"
      >
        <code>
          <ColouredCode
            text={whole.slice(0, MAX_CHARACTERS)}
            language={typeof value === 'string' ? '' : 'json'}
          />
          {cut ? '\n…' : null}
        </code>
      </pre>
      {cut ? (
        <p className="border-t border-line px-3 py-1.5 text-xs text-ink-2">
          The beginning only; copying takes all of it.
        </p>
      ) : null}
    </div>
  )
}
