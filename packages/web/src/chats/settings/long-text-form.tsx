import { type FormEvent, type ReactNode, useRef, useState } from 'react'

import { countInvisible } from '../../chat-conversation/composer-text.ts'
import { useOnline } from '../../frame/connection-banner.tsx'
import { Button } from '../../ui/button.tsx'
import { ErrorNotice } from '../../ui/error-notice.tsx'
import { Field, TextArea } from '../../ui/form.tsx'
import { UnsavedChanges } from '../../ui/unsaved-changes.tsx'
import { MOST_BYTES, utf8Length } from './long-text.ts'

interface LongTextFormProps {
  readonly label: string
  readonly help: ReactNode
  readonly placeholder?: string
  readonly saved: string
  readonly rows?: number
  /** "your instructions" */
  readonly what: string
  readonly busy: boolean
  readonly error: unknown
  /** Further controls whose change counts too. */
  readonly extra?: ReactNode
  readonly extraChanged?: boolean
  readonly onDiscard?: () => void
  readonly onSave: (text: string, done: () => void) => void
}

/** A long text that models read: what the server takes out is told before it is saved (CH-509). */
export function LongTextForm(props: LongTextFormProps) {
  const { label, help, placeholder, saved, rows = 10, what, busy, error, extra, extraChanged = false } = props
  const online = useOnline()
  const [typed, setTyped] = useState<string>()
  const changed = useRef(false)
  const text = typed ?? saved
  const differs = text !== saved || extraChanged
  changed.current = differs
  const bytes = utf8Length(text)
  const tooLong = bytes > MOST_BYTES
  const invisible = countInvisible(text)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!busy && !tooLong && differs)
      props.onSave(text, () => {
        changed.current = false
        setTyped(undefined)
      })
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <ErrorNotice error={error} title="Nothing was saved" />
      <Field
        label={label}
        help={help}
        error={
          tooLong
            ? `${(bytes - MOST_BYTES).toLocaleString('en-US')} bytes too long: at most ${MOST_BYTES.toLocaleString('en-US')} are kept.`
            : undefined
        }
      >
        {(field) => (
          <TextArea
            {...field}
            rows={rows}
            value={text}
            placeholder={placeholder}
            onChange={(event) => setTyped(event.target.value)}
            className="leading-relaxed"
          />
        )}
      </Field>
      {invisible === 0 ? null : (
        <p role="status" className="text-xs text-warn">
          {invisible === 1 ? 'One character cannot be seen' : `${invisible} characters cannot be seen`}: the
          server takes such characters out.
        </p>
      )}
      {extra}
      <div className="flex justify-end gap-2">
        {differs ? (
          <Button
            onClick={() => {
              setTyped(undefined)
              props.onDiscard?.()
            }}
          >
            Discard changes
          </Button>
        ) : null}
        <Button type="submit" tone="primary" busy={busy} disabled={!online || !differs || tooLong}>
          Save
        </Button>
      </div>
      <UnsavedChanges changed={changed} what={what} />
    </form>
  )
}
