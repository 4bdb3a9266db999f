import { useMutation, useQuery } from '@tanstack/react-query'
import { FileUp, LockKeyhole, Plus } from 'lucide-react'

import { deleteUserSecret, type UserSecret, updateUserSecret } from '@slipway/contract'
import { OwnThings } from '../account/own-things.tsx'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Switch } from '../ui/form.tsx'
import { Menu } from '../ui/menu.tsx'
import type { Column } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { refreshSecrets, secretsQuery } from './queries.ts'

/** `/settings/secrets`: values that only the viewer's workspaces see (UI-1507). */
export function SecretsPage() {
  const online = useOnline()
  const go = useGo()
  const secrets = useQuery(secretsQuery)
  const make = (
    <>
      <AppLink href={paths.importSecrets()} className={buttonClass({})}>
        <FileUp className="size-4" strokeWidth={1.75} aria-hidden="true" /> Import
      </AppLink>
      <AppLink href={paths.newSecret()} className={buttonClass({ tone: 'primary' })}>
        <Plus className="size-4" aria-hidden="true" /> New secret
      </AppLink>
    </>
  )
  return (
    <OwnThings
      label="Secrets"
      about="Variables and files that each of your workspaces gets when it starts. Nobody can read a value back, not even you."
      list={secrets}
      rows={secrets.data}
      columns={COLUMNS}
      id={(row) => row.id}
      name={(row) => row.name}
      make={make}
      empty={
        <EmptyState icon={LockKeyhole} title="No secrets yet" action={make}>
          Store a token or a key here and use it in your workspaces as a variable or a file.
        </EmptyState>
      }
      actions={(row, onDelete) => (
        <Menu
          label={`Actions for ${row.name}`}
          groups={[
            [{ id: 'edit', label: 'Edit', onSelect: () => go(paths.secret(row.name)) }],
            [{ id: 'delete', label: 'Delete', danger: true, disabled: !online, onSelect: onDelete }],
          ]}
        />
      )}
      kind="secret"
      loss="Its value is gone for good. Running workspaces keep it until they restart."
      remove={async ({ name }) => {
        await api.call(deleteUserSecret, { params: { user: 'me', name } })
        await refreshSecrets()
      }}
    />
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
