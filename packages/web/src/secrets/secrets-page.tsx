import { useMutation, useQuery } from '@tanstack/react-query'
import { FileUp, LockKeyhole, Plus } from 'lucide-react'
import { useState } from 'react'

import { deleteUserSecret, type UserSecret, updateUserSecret } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Switch } from '../ui/form.tsx'
import { Menu } from '../ui/menu.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { refreshSecrets, secretsQuery } from './queries.ts'

/** `/settings/secrets`: values that only the viewer's workspaces see (UI-1507). */
export function SecretsPage() {
  const online = useOnline()
  const go = useGo()
  const secrets = useQuery(secretsQuery)
  const [doomed, setDoomed] = useState<UserSecret>()
  const remove = useMutation({
    mutationFn: (secret: UserSecret) =>
      api.call(deleteUserSecret, { params: { user: 'me', name: secret.name } }),
    onSuccess: async (_, secret) => {
      await refreshSecrets()
      setDoomed(undefined)
      toasts.done(`The secret ${secret.name} was deleted`)
    },
  })
  const actions = (
    <>
      <AppLink href={paths.importSecrets()} className={buttonClass({})}>
        <FileUp className="size-4" strokeWidth={1.75} aria-hidden="true" /> Import
      </AppLink>
      <AppLink href={paths.newSecret()} className={buttonClass({ tone: 'primary' })}>
        <Plus className="size-4" aria-hidden="true" /> New secret
      </AppLink>
    </>
  )
  const rows = secrets.data
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="min-w-0 flex-1 basis-60 text-sm text-ink-2">
          Variables and files that every workspace of yours gets when it starts. Nobody reads a value back,
          not even you.
        </p>
        {rows === undefined || rows.length === 0 ? null : <div className="flex gap-2">{actions}</div>}
      </div>
      {secrets.isError ? (
        <ErrorNotice
          error={secrets.error}
          title="The secrets could not be read"
          onRetry={() => void secrets.refetch()}
        />
      ) : null}
      {secrets.isError && rows === undefined ? null : (
        <div className="rounded-card border border-line bg-surface">
          <Table
            label="Secrets"
            columns={COLUMNS}
            rows={rows}
            rowKey={(row) => row.id}
            rowLabel={(row) => row.name}
            actions={(row) => (
              <Menu
                label={`Actions for ${row.name}`}
                groups={[
                  [{ id: 'edit', label: 'Edit', onSelect: () => go(paths.secret(row.name)) }],
                  [
                    {
                      id: 'delete',
                      label: 'Delete',
                      danger: true,
                      disabled: !online,
                      onSelect: () => setDoomed(row),
                    },
                  ],
                ]}
              />
            )}
            empty={
              <EmptyState icon={LockKeyhole} title="No secret yet" action={actions}>
                Keep a token or a key here, and find it in your workspaces as a variable or a file.
              </EmptyState>
            }
          />
        </div>
      )}
      <ConfirmDialog
        open={doomed !== undefined}
        onClose={() => {
          setDoomed(undefined)
          remove.reset()
        }}
        title={`Delete the secret ${doomed?.name ?? ''}?`}
        description="Its value is gone for good. Running workspaces keep what they have until they start anew."
        verb="Delete secret"
        danger
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => (doomed === undefined ? undefined : remove.mutate(doomed))}
      />
    </div>
  )
}

const COLUMNS: readonly Column<UserSecret>[] = [
  {
    id: 'name',
    header: 'Name',
    cell: (row) => (
      <span className="flex min-w-0 flex-col">
        <AppLink href={paths.secret(row.name)} className="truncate font-medium hover:underline">
          <bdi>{row.name}</bdi>
        </AppLink>
        {row.description === '' ? null : (
          <span className="truncate text-xs text-ink-2">{row.description}</span>
        )}
      </span>
    ),
  },
  {
    id: 'target',
    header: 'In the workspace',
    className: '@max-xl:pl-4',
    cell: (row) => (
      <span className="flex min-w-0 max-w-60 flex-col font-mono text-xs text-ink-2">
        {row.env_name === '' ? null : <span className="truncate">${row.env_name}</span>}
        {row.file_path === '' ? null : <span className="truncate">{row.file_path}</span>}
        {row.env_name === '' && row.file_path === '' ? <span className="font-sans">nowhere</span> : null}
      </span>
    ),
  },
  {
    id: 'changed',
    header: 'Changed',
    from: 'md',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        <TimeAgo time={row.updated_at} />
      </span>
    ),
  },
  { id: 'enabled', header: 'On', className: '@max-xl:pl-4', cell: (row) => <Enabled secret={row} /> },
]

/** On and off at once; back again, with the reason, when the server refuses (UI-2106). */
function Enabled({ secret }: { readonly secret: UserSecret }) {
  const online = useOnline()
  const toggle = useMutation({
    mutationFn: (enabled: boolean) =>
      api.call(updateUserSecret, { params: { user: 'me', name: secret.name }, body: { enabled } }),
    onSuccess: (saved) =>
      queries.setQueryData(secretsQuery.queryKey, (all) =>
        all?.map((one) => (one.id === saved.id ? saved : one)),
      ),
    onError: (error) => toasts.failed(`The secret ${secret.name} was not changed`, error),
  })
  const enabled = toggle.isPending ? toggle.variables : secret.enabled
  const nowhere = secret.env_name === '' && secret.file_path === ''
  return (
    <span
      className="inline-flex align-middle"
      title={nowhere ? 'Give it a variable or a file first' : undefined}
    >
      <Switch
        label={`${secret.name} is in new workspaces`}
        checked={enabled}
        disabled={!online || (nowhere && !enabled)}
        onChange={(next) => toggle.mutate(next)}
      />
    </span>
  )
}
