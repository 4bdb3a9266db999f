import { type KeyboardEvent, useState } from 'react'

import type { GrantablePermissions } from '@slipway/contract'
import { classNames } from '../ui/class-names.ts'
import { Checkbox, LabelledToggle, TextInput } from '../ui/form.tsx'
import {
  actionLabel,
  COLUMNS,
  type MatrixCell,
  type MatrixRow,
  matrixOf,
  type Word,
} from './permission-matrix.ts'

interface MatrixProps {
  readonly label: string
  readonly known: readonly GrantablePermissions[]
  readonly chosen: ReadonlySet<Word>
  readonly onChange: (chosen: ReadonlySet<Word>) => void
}

/**
 * Kinds of resources against actions (UI-1402): a grid with row and column headers that the arrow keys walk. What the
 * viewer does not hold cannot be given, only taken.
 */
export function Matrix({ label, known, chosen, onChange }: MatrixProps) {
  const [text, setText] = useState('')
  const [all, setAll] = useState(false)
  const groups = matrixOf(known, { all, text, chosen })
  const set = (words: readonly Word[], on: boolean) => {
    const next = new Set(chosen)
    for (const word of words)
      if (on) next.add(word)
      else next.delete(word)
    onChange(next)
  }
  return (
    <div className="@container">
      <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 px-4 pb-3">
        <TextInput
          type="search"
          aria-label="Filter resources"
          placeholder="Filter resources"
          value={text}
          onChange={(event) => setText(event.target.value)}
          className="max-w-64"
        />
        <LabelledToggle kind="switch" label="Show all resources" checked={all} onChange={setAll} />
      </div>
      {groups.length === 0 ? (
        <p className="border-t border-line px-4 py-10 text-center text-sm text-ink-2">
          Nothing has that name.
        </p>
      ) : (
        <table
          aria-label={label}
          onKeyDown={walk}
          className="w-full border-separate border-spacing-0 text-sm @max-2xl:block"
        >
          <thead className="@max-2xl:sr-only">
            <tr>
              <th scope="col" className={classNames(HEAD, 'w-[30%] pl-4 text-left')}>
                Resource
              </th>
              {COLUMNS.map((action) => (
                <th key={action} scope="col" className={classNames(HEAD, 'w-18 text-center')}>
                  {actionLabel(action)}
                </th>
              ))}
              <th scope="col" className={classNames(HEAD, 'pl-4 text-left')}>
                More
              </th>
            </tr>
          </thead>
          {groups.map(({ title, rows }) => (
            <tbody key={title} className="@max-2xl:block">
              <tr className="@max-2xl:block">
                <th
                  scope="rowgroup"
                  colSpan={COLUMNS.length + 2}
                  className="border-b border-line bg-bg px-4 py-1.5 text-left text-xs font-medium text-ink-2 @max-2xl:block"
                >
                  {title}
                </th>
              </tr>
              {rows.map((row) => (
                <Row key={row.type} row={row} chosen={chosen} onSet={set} />
              ))}
            </tbody>
          ))}
        </table>
      )}
    </div>
  )
}

const HEAD = 'h-9 border-y border-line px-2 text-xs font-medium text-ink-2'
const CELL =
  'border-b border-line px-2 py-1.5 in-[tbody:last-child_tr:last-child]:border-b-0 @max-2xl:border-b-0 @max-2xl:p-0'

function Row({
  row,
  chosen,
  onSet,
}: {
  readonly row: MatrixRow
  readonly chosen: ReadonlySet<Word>
  readonly onSet: (words: readonly Word[], on: boolean) => void
}) {
  const standard: readonly string[] = COLUMNS
  const held = row.cells.filter(({ word }) => chosen.has(word)).length
  const grantable = row.cells.filter((cell) => cell.grantable).map(({ word }) => word)
  const words = row.cells.map(({ word }) => word)
  const cellOf = (cell: MatrixCell, visible: boolean) => (
    <Permit
      cell={cell}
      resource={row.label}
      visible={visible}
      checked={chosen.has(cell.word)}
      onChange={(on) => onSet([cell.word], on)}
    />
  )
  return (
    <tr className="hover:bg-hover @max-2xl:flex @max-2xl:flex-wrap @max-2xl:gap-x-4 @max-2xl:gap-y-2.5 @max-2xl:border-b @max-2xl:border-line @max-2xl:px-4 @max-2xl:py-3">
      <th scope="row" className={classNames(CELL, 'pl-4 text-left font-normal @max-2xl:w-full')}>
        <span className="inline-flex items-center gap-2.5 align-middle" data-column="all">
          <Checkbox
            id={`all-${row.type}`}
            label={`All actions on ${row.label}`}
            checked={held === 0 ? false : held === row.cells.length ? true : 'indeterminate'}
            disabled={grantable.length === 0 && held === 0}
            // The first click gives all that can be given; when that is there already, it takes everything.
            onChange={() => {
              const full = held > 0 && grantable.every((word) => chosen.has(word))
              onSet(full ? words : grantable, !full)
            }}
          />
          <label htmlFor={`all-${row.type}`} className="font-medium">
            {row.label}
          </label>
        </span>
      </th>
      {COLUMNS.map((action) => {
        const cell = row.cells.find((one) => one.action === action)
        return (
          <td
            key={action}
            data-column={action}
            className={classNames(CELL, 'text-center', cell === undefined && '@max-2xl:hidden')}
          >
            {cell === undefined ? null : cellOf(cell, false)}
          </td>
        )
      })}
      <td data-column="more" className={classNames(CELL, 'pl-4')}>
        <span className="flex flex-wrap gap-x-4 gap-y-2.5 @2xl:gap-y-1.5">
          {row.cells
            .filter(({ action }) => !standard.includes(action))
            .map((cell) => (
              <span key={cell.word}>{cellOf(cell, true)}</span>
            ))}
        </span>
      </td>
    </tr>
  )
}

function Permit({
  cell,
  resource,
  visible,
  checked,
  onChange,
}: {
  readonly cell: MatrixCell
  readonly resource: string
  readonly visible: boolean
  readonly checked: boolean
  readonly onChange: (on: boolean) => void
}) {
  const locked = !cell.grantable && !checked
  return (
    <span
      className={classNames('inline-flex items-center gap-2 align-middle', locked && 'text-ink-3')}
      title={locked ? 'You may not do this across the organization, so you cannot grant it.' : undefined}
    >
      <Checkbox
        id={`permit-${cell.word}`}
        label={`${cell.label}: ${resource}`}
        checked={checked}
        disabled={locked}
        onChange={onChange}
      />
      <label
        htmlFor={`permit-${cell.word}`}
        className={classNames('whitespace-nowrap', !visible && '@2xl:sr-only')}
      >
        {cell.label}
      </label>
    </span>
  )
}

/** Arrows go to the next checkbox of the row, or to the same column of the next row that has one there. */
function walk(event: KeyboardEvent<HTMLTableElement>): void {
  if (!(event.target instanceof HTMLElement) || event.target.getAttribute('role') !== 'checkbox') return
  const row = event.target.closest('tr')
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (row === null || step === undefined) return
  event.preventDefault()
  if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
    const boxes = [...row.querySelectorAll<HTMLElement>('[role="checkbox"]:not(:disabled)')]
    boxes[boxes.indexOf(event.target) + step]?.focus()
    return
  }
  const column = event.target.closest<HTMLElement>('[data-column]')?.dataset.column ?? 'all'
  const rows = [...event.currentTarget.querySelectorAll('tr')]
  for (let at = rows.indexOf(row) + step; at >= 0 && at < rows.length; at += step) {
    const box = rows[at]?.querySelector<HTMLElement>(
      `[data-column="${column}"] [role="checkbox"]:not(:disabled)`,
    )
    if (box !== null && box !== undefined) {
      box.focus()
      return
    }
  }
}
