import { useMutation, useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleDashed, KeyRound } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'

import { deleteUserAIProviderKey, putUserAIProviderKey, type UserAIProviderKey } from '@slipway/contract'
import { ProviderIcon } from '../../ai-providers/provider-icon.tsx'
import { api, queries } from '../../api/client.ts'
import { fieldError } from '../../api/errors.ts'
import { useOnline } from '../../frame/connection-banner.tsx'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { ErrorNotice } from '../../ui/error-notice.tsx'
import { Field, PasswordInput } from '../../ui/form.tsx'
import { Section } from '../../ui/page.tsx'
import { StateBadge, type StateLook } from '../../ui/state-badge.tsx'
import { toasts } from '../../ui/toast.tsx'
import { refreshModels } from '../queries.ts'
import { ownKeysQuery } from './queries.ts'
import { SettingState } from './setting-state.tsx'

/** `/agents/settings/api-keys`: keys of the viewer's own at model providers (CH-5.2). */
export function OwnKeysPage() {
  const keys = useQuery(ownKeysQuery)
  return (
    <Section
      title="API keys"
      help="With a key of your own, your chats use your account at the provider. Keys are stored encrypted, and nobody reads them back."
      flush
    >
      <SettingState query={keys} failure="Your keys could not be read">
        {(rows) =>
          rows.length === 0 ? (
            <EmptyState icon={KeyRound} title="No provider takes keys of users">
              Administrators add model providers, and decide whether users may bring their own keys.
            </EmptyState>
          ) : (
            <ul>
              {rows.map((row) => (
                <Row key={row.provider.id} row={row} />
              ))}
            </ul>
          )
        }
      </SettingState>
    </Section>
  )
}

function lookOf(row: UserAIProviderKey): StateLook {
  if (row.has_user_api_key) return { label: 'Your key', tone: 'ok', icon: CircleCheck }
  return row.has_provider_api_key
    ? { label: 'Key of the deployment', tone: 'off', icon: CircleCheck }
    : { label: 'No key', tone: 'warn', icon: CircleDashed }
}

function Row({ row }: { readonly row: UserAIProviderKey }) {
  const online = useOnline()
  const [asking, setAsking] = useState<'key' | 'removal'>()
  const { provider } = row
  const name = provider.display_name || provider.name
  const params = { user: 'me', provider: provider.id }
  const remove = useMutation({
    mutationFn: () => api.call(deleteUserAIProviderKey, { params }),
    onSuccess: async () => {
      await refreshKeys()
      setAsking(undefined)
      toasts.done(`Your key for ${name} was removed`)
    },
  })
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-4 py-2.5 last:border-b-0">
      <ProviderIcon provider={provider} className="size-8" />
      <span className="min-w-0 flex-1 basis-36">
        <span className="block truncate text-sm font-medium">{name}</span>
        <StateBadge look={lookOf(row)} className="text-xs" />
      </span>
      {row.byok_enabled && provider.enabled && !provider.deleted ? (
        <Button size="dense" disabled={!online} onClick={() => setAsking('key')}>
          {row.has_user_api_key ? 'Replace' : 'Add key'}
        </Button>
      ) : (
        <span className="text-xs text-ink-2">
          {provider.enabled ? 'Takes no keys of users' : 'Switched off'}
        </span>
      )}
      {row.has_user_api_key ? (
        <Button size="dense" tone="quiet" disabled={!online} onClick={() => setAsking('removal')}>
          Remove
        </Button>
      ) : null}
      {asking === 'key' ? (
        <KeyDialog name={name} params={params} onClose={() => setAsking(undefined)} />
      ) : null}
      <ConfirmDialog
        open={asking === 'removal'}
        onClose={() => setAsking(undefined)}
        title={`Remove your key for ${name}?`}
        description={
          row.has_provider_api_key
            ? 'Your chats go on with the key of the deployment.'
            : 'Chats with models of this provider stop at their next turn, until there is a key again.'
        }
        verb="Remove key"
        danger
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      />
    </li>
  )
}

function KeyDialog({
  name,
  params,
  onClose,
}: {
  readonly name: string
  readonly params: { readonly user: string; readonly provider: string }
  readonly onClose: () => void
}) {
  const form = useId()
  const [key, setKey] = useState('')
  const save = useMutation({
    mutationFn: () => api.call(putUserAIProviderKey, { params, body: { api_key: key.trim() } }),
    onSuccess: async () => {
      await refreshKeys()
      onClose()
      toasts.done(`Your key for ${name} was saved`)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (key.trim() !== '' && !save.isPending) save.mutate()
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Your key for ${name}`}
      description="It is used for your chats from their next turn on."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={form} tone="primary" busy={save.isPending} disabled={key.trim() === ''}>
            Save key
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-3">
        <Field label="API key" error={fieldError(save.error, 'api_key')}>
          {(field) => (
            <PasswordInput
              {...field}
              autoFocus
              autoComplete="off"
              className="font-mono"
              value={key}
              onChange={(event) => setKey(event.target.value)}
            />
          )}
        </Field>
        <ErrorNotice error={save.error} title="The key was not saved" />
      </form>
    </Dialog>
  )
}

async function refreshKeys(): Promise<void> {
  await Promise.all([queries.invalidateQueries({ queryKey: ownKeysQuery.queryKey }), refreshModels()])
}
