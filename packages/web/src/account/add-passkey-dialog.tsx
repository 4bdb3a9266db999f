import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { beginPasskey, createPasskey } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { makePasskey } from '../session/passkeys.ts'
import { passkeysSupported } from '../session/passkeys-supported.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, TextInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { toasts } from '../ui/toast.tsx'
import { describeDevice } from './device-words.ts'

interface AddPasskeyDialogProps {
  readonly onClose: () => void
  readonly onAdded: (recoveryCodes: readonly string[]) => void
}

/** Has the browser make a passkey and gives it a name. */
export function AddPasskeyDialog({ onClose, onAdded }: AddPasskeyDialogProps) {
  const supported = passkeysSupported()
  const [name, setName] = useState(() => describeDevice(navigator.userAgent).title)
  const add = useMutation({
    mutationFn: async () => {
      const params = { user: 'me' }
      const { challenge_id, options } = await api.call(beginPasskey, { params })
      const passkey = await makePasskey(options)
      return api.call(createPasskey, { params, body: { challenge_id, name: name.trim(), passkey } })
    },
    onSuccess: ({ passkey, recovery_codes }) => {
      toasts.done(`The passkey ${passkey.name} was added`)
      onAdded(recovery_codes)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!add.isPending && name.trim() !== '') add.mutate()
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title="Add a passkey"
      description="Your browser asks where to keep it: on this device, on your phone, or on a security key."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            form="add-passkey"
            tone="primary"
            busy={add.isPending || add.isSuccess}
            disabled={!supported || name.trim() === ''}
          >
            Add the passkey
          </Button>
        </>
      }
    >
      <form id="add-passkey" onSubmit={submit} className="flex flex-col gap-4">
        {supported ? null : (
          <Notice tone="warn" title="This browser cannot create passkeys here">
            They need HTTPS, a host name in the address, and a browser that supports them.
          </Notice>
        )}
        <ErrorNotice error={add.error} />
        <Field
          label="Name"
          error={fieldError(add.error, 'name')}
          help="So that you later know which device it is on."
        >
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
