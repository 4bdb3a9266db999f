import { useMutation } from '@tanstack/react-query'
import { Fingerprint } from 'lucide-react'
import { type FormEvent, useRef, useState } from 'react'

import type { PasskeyAssertion, PasskeyRequestOptions } from '@slipway/contract'
import { describeError, statusOf } from '../api/errors.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, PasswordInput, TextInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { signWithPasskey } from './passkeys.ts'
import { passkeysSupported } from './passkeys-supported.ts'

export type ProofMethod = 'password' | 'totp' | 'passkey' | 'recovery_code'

/** Exactly one proof of who somebody is, as the wire has it. */
export type Proof =
  | { readonly password: string }
  | { readonly totp_code: string }
  | { readonly recovery_code: string }
  | { readonly passkey: PasskeyAssertion }

interface ProofFormProps {
  readonly methods: readonly ProofMethod[]
  readonly passkeyOptions: PasskeyRequestOptions | undefined
  /** What the button says. */
  readonly verb: string
  /** Sends the proof; its failure is shown here. */
  readonly onProof: (proof: Proof) => Promise<unknown>
}

const SWITCH: Readonly<Record<ProofMethod, string>> = {
  password: 'Use the password',
  totp: 'Use the authenticator app',
  passkey: 'Use a passkey',
  recovery_code: 'Use a recovery code',
}
const CODE_LENGTH = 6

/** Asks for one proof, with a way to each other one that the account has (L-32). */
export function ProofForm({ methods, passkeyOptions, verb, onProof }: ProofFormProps) {
  const usable = methods.filter((method) => method !== 'passkey' || passkeysSupported())
  const [chosen, setChosen] = useState<ProofMethod>()
  const method = chosen ?? usable[0]
  const [text, setText] = useState('')
  const input = useRef<HTMLInputElement>(null)
  const prove = useMutation({
    mutationFn: async (value: string) => onProof(await proofOf(method, value, passkeyOptions)),
    onError: () => input.current?.select(),
  })
  if (method === undefined)
    return (
      <Notice tone="warn" title="This browser cannot use your passkey">
        Open this page over HTTPS at the address of the deployment, in a browser that supports passkeys.
      </Notice>
    )
  const send = (value: string) => {
    if (!prove.isPending && !prove.isSuccess) prove.mutate(value)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send(text.trim())
  }
  const change = (value: string) => {
    setText(value)
    if (prove.isError) prove.reset()
    // Nothing is left to say after the last digit.
    if (method === 'totp' && /^\d+$/.test(value.trim()) && value.trim().length === CODE_LENGTH)
      send(value.trim())
  }
  const refused = [400, 401].includes(statusOf(prove.error) ?? 0)
  const fault = refused && method !== 'passkey' ? describeError(prove.error).message : undefined
  const busy = prove.isPending || prove.isSuccess
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      {fault === undefined ? <ErrorNotice error={prove.error} /> : null}
      {method === 'passkey' ? (
        <Button
          type="submit"
          tone="primary"
          autoFocus
          busy={busy}
          icon={<Fingerprint className="size-4" strokeWidth={1.75} />}
        >
          Continue with a passkey
        </Button>
      ) : (
        <>
          <ProofField
            key={method}
            method={method}
            fault={fault}
            input={input}
            value={text}
            onChange={change}
          />
          <Button type="submit" tone="primary" busy={busy}>
            {verb}
          </Button>
        </>
      )}
      {usable.length < 2 ? null : (
        <ul className="flex flex-col items-start gap-1.5">
          {usable
            .filter((other) => other !== method)
            .map((other) => (
              <li key={other}>
                <button
                  type="button"
                  className="link text-sm"
                  onClick={() => {
                    setChosen(other)
                    setText('')
                    prove.reset()
                  }}
                >
                  {SWITCH[other]}
                </button>
              </li>
            ))}
        </ul>
      )}
    </form>
  )
}

async function proofOf(
  method: ProofMethod | undefined,
  value: string,
  options: PasskeyRequestOptions | undefined,
): Promise<Proof> {
  if (method === 'password') return { password: value }
  if (method === 'totp') return { totp_code: value }
  if (method === 'recovery_code') return { recovery_code: value }
  if (options === undefined) throw new Error('The server named no passkey to ask for. Start again.')
  return { passkey: await signWithPasskey(options) }
}

interface ProofFieldProps {
  readonly method: Exclude<ProofMethod, 'passkey'>
  readonly fault: string | undefined
  readonly input: React.Ref<HTMLInputElement>
  readonly value: string
  readonly onChange: (value: string) => void
}

function ProofField({ method, fault, input, value, onChange }: ProofFieldProps) {
  const common = {
    ref: input,
    autoFocus: true,
    required: true,
    value,
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => onChange(event.target.value),
  }
  if (method === 'password')
    return (
      <Field label="Password" error={fault}>
        {(field) => <PasswordInput {...field} {...common} autoComplete="current-password" />}
      </Field>
    )
  return method === 'totp' ? (
    <Field label="Code" error={fault} help="Six digits, as your authenticator app shows them now.">
      {(field) => (
        <TextInput
          {...field}
          {...common}
          inputMode="numeric"
          autoComplete="one-time-code"
          spellCheck={false}
          maxLength={16}
          className="font-mono tracking-[0.2em]"
        />
      )}
    </Field>
  ) : (
    <Field label="Recovery code" error={fault} help="One of those you saved. Each works once.">
      {(field) => (
        <TextInput
          {...field}
          {...common}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          maxLength={64}
          className="font-mono"
        />
      )}
    </Field>
  )
}
