import { type FormEvent, useState } from 'react'

import { fieldError } from '../api/errors.ts'
import { Button } from '../ui/button.tsx'
import { CopyableCode } from '../ui/copyable.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, TextInput } from '../ui/form.tsx'
import { QrCode } from '../ui/qr-code.tsx'

interface TotpSetupProps {
  readonly secret: string
  /** `otpauth://…`, for the QR code. */
  readonly url: string
  readonly verb: string
  readonly busy: boolean
  readonly error: unknown
  readonly onCode: (code: string) => void
}

/** An authenticator app that is being set up: what it scans, and the first code that it shows (RFC 6238). */
export function TotpSetup({ secret, url, verb, busy, error, onCode }: TotpSetupProps) {
  const [code, setCode] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!busy) onCode(code.trim())
  }
  const fault = fieldError(error, 'totp_code')
  return (
    <form onSubmit={submit} className="flex flex-col gap-5">
      {fault === undefined ? <ErrorNotice error={error} /> : null}
      <div className="flex flex-col gap-3">
        <p className="text-sm text-ink-2">Scan this with the app, or type in the key.</p>
        <div className="flex justify-center">
          <QrCode text={url} label="QR code for the authenticator app" />
        </div>
        <CopyableCode code={secret.replace(/(.{4})(?=.)/g, '$1 ')} label="Copy the key" />
      </div>
      <Field label="Code" error={fault} help="The six digits that the app shows now.">
        {(field) => (
          <TextInput
            {...field}
            inputMode="numeric"
            autoComplete="one-time-code"
            spellCheck={false}
            maxLength={16}
            required
            className="font-mono tracking-[0.2em]"
            value={code}
            onChange={(event) => setCode(event.target.value)}
          />
        )}
      </Field>
      <div className="flex justify-end">
        <Button type="submit" tone="primary" busy={busy}>
          {verb}
        </Button>
      </div>
    </form>
  )
}
