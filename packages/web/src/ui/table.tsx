import { type KeyboardEvent, type MouseEvent, type ReactNode, useRef } from 'react'

import { classNames } from './class-names.ts'
import { Checkbox } from './form.tsx'

/** One column. The first column names the row and holds its link; the others fall under it on narrow screens. */
export interface Column<Row> {
  readonly id: string
  readonly header: string
  readonly cell: (row: Row) => ReactNode
  readonly align?: 'end'
  /** Below which width of the table the column is left out, because the row's page shows it too. */
  readonly from?: 'sm' | 'md' | 'lg' | 'xl'
  readonly className?: string
}

interface TableProps<Row> {
  readonly label: string
  readonly columns: readonly Column<Row>[]
  /** `undefined` while loading: skeleton rows of the true layout. */
  readonly rows: readonly Row[] | undefined
  readonly rowKey: (row: Row) => string
  readonly rowLabel: (row: Row) => string
  /** Row menu at the end. */
  readonly actions?: (row: Row) => ReactNode
  readonly selection?: Selection<Row>
  readonly dense?: boolean
  readonly empty: ReactNode
  /** Shown rows belong to an older question while the newer one is on its way. */
  readonly stale?: boolean
}

export interface Selection<Row> {
  readonly selected: ReadonlySet<string>
  readonly selectable: (row: Row) => boolean
  readonly onChange: (selected: ReadonlySet<string>) => void
}

/** By the width of the table and not of the window: the rail takes its share of that. */
const FROM = {
  sm: 'hidden @xl:table-cell',
  md: 'hidden @2xl:table-cell',
  lg: 'hidden @3xl:table-cell',
  xl: 'hidden @5xl:table-cell',
} as const

/**
 * The table of the dashboard: sticky head, 44 px rows (36 dense), keyboard up/down/enter/space on the rows,
 * selection, a menu per row (UI-503, UI-1803). Where it is narrow each row becomes a card: the name, what else is
 * shown under it, the menu beside (UI-1707).
 */
export function Table<Row>(props: TableProps<Row>) {
  const {
    label,
    columns,
    rows,
    rowKey,
    rowLabel,
    actions,
    selection,
    dense = false,
    empty,
    stale = false,
  } = props
  const body = useRef<HTMLTableSectionElement>(null)
  if (rows !== undefined && rows.length === 0) return <>{empty}</>

  const selectable = rows === undefined || selection === undefined ? [] : rows.filter(selection.selectable)
  const chosen =
    selection === undefined ? 0 : selectable.filter((row) => selection.selected.has(rowKey(row))).length
  const toggle = (row: Row) => {
    if (selection === undefined || !selection.selectable(row)) return
    const next = new Set(selection.selected)
    if (!next.delete(rowKey(row))) next.add(rowKey(row))
    selection.onChange(next)
  }
  const onKeyDown = (event: KeyboardEvent<HTMLTableRowElement>, row: Row) => {
    if (event.target !== event.currentTarget) return
    const move = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' } as const
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const next = event.currentTarget[move[event.key]]
      if (next instanceof HTMLElement) next.focus()
    } else if (event.key === 'Enter') event.currentTarget.querySelector('a')?.click()
    else if (event.key === ' ') toggle(row)
    else return
    event.preventDefault()
  }
  return (
    <div className="@container">
      <table
        aria-label={label}
        aria-busy={rows === undefined || stale}
        className="w-full border-separate border-spacing-0 text-sm @max-xl:block"
      >
        <thead className="@max-xl:sr-only">
          <tr>
            {selection === undefined ? null : (
              <th scope="col" className={classNames(HEAD, 'w-8 pl-4 pr-0')}>
                <Checkbox
                  label="Select all rows on this page"
                  checked={chosen === 0 ? false : chosen === selectable.length ? true : 'indeterminate'}
                  disabled={selectable.length === 0}
                  onChange={(all) => selection.onChange(new Set(all ? selectable.map(rowKey) : []))}
                />
              </th>
            )}
            {columns.map((column) => (
              <th
                key={column.id}
                scope="col"
                className={classNames(
                  HEAD,
                  column.align === 'end' ? 'text-right' : 'text-left',
                  column.from !== undefined && FROM[column.from],
                  column.className,
                )}
              >
                {column.header}
              </th>
            ))}
            {actions === undefined ? null : (
              <th scope="col" className={classNames(HEAD, 'w-px')}>
                <span className="sr-only">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody
          ref={body}
          className={classNames('transition-opacity duration-(--fast) @max-xl:block', stale && 'opacity-60')}
        >
          {rows === undefined
            ? SKELETON.map((row) => (
                <tr key={row} className={ROW}>
                  {selection === undefined ? null : <td className={classNames(CELL, SELECT)} />}
                  {columns.map((column, index) => (
                    <td
                      key={column.id}
                      className={classNames(
                        CELL,
                        dense ? 'h-9' : 'h-11',
                        index === 0 ? FIRST : column.from === undefined && OTHER,
                        column.from !== undefined && FROM[column.from],
                        column.className,
                      )}
                    >
                      <div className={classNames('skeleton h-3.5', index === 0 ? 'w-36' : 'w-16')} />
                    </td>
                  ))}
                  {actions === undefined ? null : <td className={classNames(CELL, END)} />}
                </tr>
              ))
            : rows.map((row) => (
                <tr
                  key={rowKey(row)}
                  tabIndex={0}
                  onKeyDown={(event) => onKeyDown(event, row)}
                  onClick={openRow}
                  className={classNames(
                    ROW,
                    'outline-offset-[-2px]',
                    selection?.selected.has(rowKey(row)) === true ? 'bg-accent-wash' : 'hover:bg-hover',
                  )}
                >
                  {selection === undefined ? null : (
                    <td className={classNames(CELL, SELECT)}>
                      <Checkbox
                        label={`Select ${rowLabel(row)}`}
                        checked={selection.selected.has(rowKey(row))}
                        disabled={!selection.selectable(row)}
                        onChange={() => toggle(row)}
                      />
                    </td>
                  )}
                  {columns.map((column, index) => (
                    <td
                      key={column.id}
                      className={classNames(
                        CELL,
                        dense ? 'h-9' : 'h-11',
                        column.align === 'end' && 'text-right tabular-nums @max-xl:text-left',
                        index === 0 ? FIRST : column.from === undefined && OTHER,
                        column.from !== undefined && FROM[column.from],
                        column.className,
                      )}
                    >
                      {column.cell(row)}
                    </td>
                  ))}
                  {actions === undefined ? null : <td className={classNames(CELL, END)}>{actions(row)}</td>}
                </tr>
              ))}
        </tbody>
      </table>
    </div>
  )
}

const HEAD =
  'sticky top-(--table-top,0px) z-10 h-9 border-b bg-surface px-3 text-xs font-medium text-ink-2 first:rounded-tl-card first:pl-4 last:rounded-tr-card whitespace-nowrap'
const CELL =
  'border-b px-3 py-0.5 first:pl-4 in-[tr:last-child]:border-b-0 @max-xl:h-auto @max-xl:min-w-0 @max-xl:border-b-0 @max-xl:py-0'
const ROW =
  '@max-xl:grid @max-xl:min-h-14 @max-xl:grid-cols-[auto_minmax(0,1fr)_auto] @max-xl:content-center @max-xl:items-center @max-xl:gap-y-0.5 @max-xl:border-b @max-xl:py-2 @max-xl:last:border-b-0'
/** The name takes what the others leave, and gives way first. */
const FIRST =
  'w-full min-w-44 max-w-0 @max-xl:max-w-none @max-xl:col-start-2 @max-xl:row-start-1 @max-xl:block'
/** Columns that are on cards too; those that come later bring their own display. */
const OTHER = '@max-xl:col-start-2 @max-xl:block'
const SELECT = 'w-8 pl-4 pr-0 @max-xl:col-start-1 @max-xl:row-span-2 @max-xl:row-start-1 @max-xl:block'
const END =
  'w-px whitespace-nowrap pr-2 text-right @max-xl:col-start-3 @max-xl:row-span-2 @max-xl:row-start-1 @max-xl:block @max-xl:w-auto'
const SKELETON = ['a', 'b', 'c', 'd', 'e', 'f']

/** A click on the row is an extra for pointers; the name stays a real link (UI-503). */
function openRow(event: MouseEvent<HTMLTableRowElement>): void {
  if (event.defaultPrevented || event.button !== 0) return
  if (
    !(event.target instanceof Element) ||
    event.target.closest('a, button, input, label, [role="menuitem"]')
  )
    return
  if (!event.currentTarget.contains(event.target) || (window.getSelection()?.toString() ?? '') !== '') return
  event.currentTarget.querySelector<HTMLAnchorElement>('td a[href]')?.click()
}
