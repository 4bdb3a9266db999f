import { useMutation } from '@tanstack/react-query'
import { Cloud } from 'lucide-react'
import { type FormEvent, useState } from 'react'

import { deletePasskey, type Passkey, renamePasskey } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog, Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, Mark, TextInput } from '../ui/form.tsx'
import { Menu } from '../ui/menu.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'

interface PasskeysProps {
  readonly passkeys: readonly Passkey[]
  /** There is no other factor, so the last passkey takes the protection with it. */
  readonly lastFactor: boolean
  readonly onChange: () => Promise<unknown>
}

/** The passkeys of the viewer: renamed and removed here. */
export function Passkeys({ passkeys, lastFactor, onChange }: PasskeysProps) {
  const [renamed, setRenamed] = useState<Passkey>()
  const [doomed, setDoomed] = useState<Passkey>()
  const remove = useMutation({
    mutationFn: (passkey: Passkey) =>
      api.call(deletePasskey, { params: { user: 'me', passkey: passkey.id } }),
    onSuccess: async (_, passkey) => {
      await onChange()
      setDoomed(undefined)
      toasts.done(`The passkey ${passkey.name} was removed`)
    },
  })
  if (passkeys.length === 0) return null
  return (
    <>
      <ul aria-label="Passkeys" className="mt-3 rounded-control border border-line">
        {passkeys.map((passkey) => (
          <li
            key={passkey.id}
            className="flex min-h-11 items-center gap-3 border-b border-line py-1 pl-3 pr-1 last:border-0"
          >
            <div className="min-w-0 flex-1">
              <div className="flex min-w-0 items-center gap-2">
                <bdi className="truncate text-sm font-medium">{passkey.name}</bdi>
                {passkey.backed_up ? (
                  <Mark>
                    <Cloud className="mr-1 inline size-3" aria-hidden="true" />
                    Synced
                  </Mark>
                ) : null}
              </div>
              <p className="text-xs text-ink-2">
                Added <TimeAgo time={passkey.created_at} />, last used <TimeAgo time={passkey.last_used_at} />
              </p>
            </div>
            <Menu
              label={`Actions for ${passkey.name}`}
              groups={[
                [{ id: 'rename', label: 'Rename', onSelect: () => setRenamed(passkey) }],
                [{ id: 'remove', label: 'Remove', danger: true, onSelect: () => setDoomed(passkey) }],
              ]}
            />
          </li>
        ))}
      </ul>
      {renamed === undefined ? null : (
        <Rename passkey={renamed} onChange={onChange} onClose={() => setRenamed(undefined)} />
      )}
      <ConfirmDialog
        open={doomed !== undefined}
        onClose={() => {
          setDoomed(undefined)
          remove.reset()
        }}
        title={`Remove the passkey ${doomed?.name ?? ''}?`}
        description={
          lastFactor && passkeys.length === 1
            ? 'It is your last factor: from now on your password alone signs you in, and your recovery codes are deleted.'
            : 'It no longer signs you in. Delete it on its device, too.'
        }
        verb="Remove passkey"
        danger
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => (doomed === undefined ? undefined : remove.mutate(doomed))}
      />
    </>
  )
}

function Rename({
  passkey,
  onChange,
  onClose,
}: {
  readonly passkey: Passkey
  readonly onChange: () => Promise<unknown>
  readonly onClose: () => void
}) {
  const [name, setName] = useState(passkey.name)
  const save = useMutation({
    mutationFn: () =>
      api.call(renamePasskey, {
        params: { user: 'me', passkey: passkey.id },
        body: { name: name.trim() },
      }),
    onSuccess: async () => {
      await onChange()
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending && name.trim() !== '') save.mutate()
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Rename the passkey ${passkey.name}`}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            form="rename-passkey"
            tone="primary"
            busy={save.isPending}
            disabled={name.trim() === ''}
          >
            Rename
          </Button>
        </>
      }
    >
      <form id="rename-passkey" onSubmit={submit} className="flex flex-col gap-4">
        <ErrorNotice error={save.error} />
        <Field label="Name" error={fieldError(save.error, 'name')}>
          {(field) => (
            <TextInput
              {...field}
              autoFocus
              required
              autoComplete="off"
              maxLength={64}
              value={name}
              onChange={(event) => setName(event.target.value)}
              onFocus={(event) => event.target.select()}
            />
          )}
        </Field>
      </form>
    </Dialog>
  )
}
