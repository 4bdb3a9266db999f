import { Lock } from 'lucide-react'

import type { AuditDiff } from '@slipway/contract'
import { fieldText } from './audit-words.ts'

/** What an action has changed, field by field; of secrets only that they have changed (RB-98). */
export function AuditDiffTable({ diff }: { readonly diff: AuditDiff }) {
  const fields = Object.entries(diff).sort(([first], [second]) => first.localeCompare(second))
  if (fields.length === 0) return <p className="text-sm text-ink-2">No fields changed.</p>
  return (
    <section
      className="overflow-x-auto rounded-control border border-line bg-surface"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
      tabIndex={0}
      aria-label="Changed fields"
    >
      <table className="w-full min-w-[30rem] table-fixed border-separate border-spacing-0 text-xs">
        <thead>
          <tr className="text-left text-ink-2">
            <th scope="col" className={HEAD}>
              Field
            </th>
            <th scope="col" className={HEAD}>
              Before
            </th>
            <th scope="col" className={HEAD}>
              After
            </th>
          </tr>
        </thead>
        <tbody>
          {fields.map(([field, change]) => (
            <tr key={field} className="align-top">
              <th
                scope="row"
                className="border-t border-line px-3 py-1.5 text-left font-mono font-normal break-words"
              >
                {field}
              </th>
              {change.secret ? (
                <td colSpan={2} className="border-t border-line px-3 py-1.5 text-ink-2">
                  <span className="inline-flex items-center gap-1.5">
                    <Lock className="size-3" aria-hidden="true" /> Secret: it has changed, its values are not
                    kept
                  </span>
                </td>
              ) : (
                <>
                  <Value text={fieldText(field, change.old)} side="old" />
                  <Value text={fieldText(field, change.new)} side="new" />
                </>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const HEAD = 'px-3 py-1.5 font-medium first:w-[26%]'

function Value({ text, side }: { readonly text: string; readonly side: 'old' | 'new' }) {
  return (
    <td
      className={`border-t border-line px-3 py-1.5 ${text === '' ? '' : side === 'old' ? 'bg-bad-wash' : 'bg-ok-wash'}`}
    >
      {text === '' ? (
        <span className="text-ink-3">empty</span>
      ) : (
        <span className="flex gap-1.5 font-mono">
          <span aria-hidden="true" className={side === 'old' ? 'text-bad' : 'text-ok'}>
            {side === 'old' ? '−' : '+'}
          </span>
          <span className="min-w-0 whitespace-pre-wrap break-words">{text}</span>
        </span>
      )}
    </td>
  )
}
