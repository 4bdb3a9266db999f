import { type UseQueryResult, useMutation } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { classNames } from '../ui/class-names.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { toasts } from '../ui/toast.tsx'

interface OwnThingsProps<Thing> {
  /** "Tokens". */
  readonly label: string
  /** What they are for. */
  readonly about: string
  readonly list: Pick<UseQueryResult, 'error' | 'refetch'>
  readonly rows: readonly Thing[] | undefined
  readonly columns: readonly Column<Thing>[]
  readonly id: (thing: Thing) => string
  readonly name: (thing: Thing) => string
  /** Buttons that make another one; those who have none find them in `empty`. */
  readonly make: ReactNode
  readonly empty: ReactNode
  readonly actions: (thing: Thing, onDelete: () => void) => ReactNode
  /** "token". */
  readonly kind: string
  /** What is lost with one. */
  readonly loss: string
  /** Deletes one and reads the list again. */
  readonly remove: (thing: Thing) => Promise<void>
}

/** Things of the viewer's own: what they are for, a table of them, and the question before one is deleted. */
export function OwnThings<Thing>(props: OwnThingsProps<Thing>) {
  const { label, about, list, rows, columns, id, name, make, empty, actions, kind, loss } = props
  const [doomed, setDoomed] = useState<Thing>()
  const remove = useMutation({
    mutationFn: props.remove,
    onSuccess: (_, thing) => {
      setDoomed(undefined)
      toasts.done(`The ${kind} ${name(thing)} was deleted`)
    },
  })
  const failed = list.error !== null
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="min-w-0 flex-1 basis-60 text-sm text-ink-2">{about}</p>
        {/* Its room is kept until it is known whether there are any: where there are none, they say so with the same. */}
        {rows?.length === 0 ? null : (
          <div className={classNames('flex gap-2', rows === undefined && 'invisible')}>{make}</div>
        )}
      </div>
      {failed ? (
        <ErrorNotice
          error={list.error}
          title={`The ${label.toLowerCase()} could not be read`}
          onRetry={() => void list.refetch()}
        />
      ) : null}
      {failed && rows === undefined ? null : (
        <div className="rounded-card border border-line bg-surface">
          <Table
            label={label}
            columns={columns}
            rows={rows}
            rowKey={id}
            rowLabel={name}
            actions={(row) => actions(row, () => setDoomed(row))}
            empty={empty}
          />
        </div>
      )}
      {doomed === undefined ? null : (
        <ConfirmDialog
          open
          onClose={() => {
            setDoomed(undefined)
            remove.reset()
          }}
          title={`Delete the ${kind} ${name(doomed)}?`}
          description={loss}
          verb={`Delete ${kind}`}
          danger
          busy={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate(doomed)}
        />
      )}
    </div>
  )
}
