import { Eye, EyeOff } from 'lucide-react'
import { useState } from 'react'

import { CopyButton } from '../ui/copyable.tsx'
import { Field } from '../ui/form.tsx'

/** A secret that is shown once: masked, with reveal and copy; nowhere else is it kept (UI-508, UI-2008). */
export function OnceShown({ label, secret }: { readonly label: string; readonly secret: string }) {
  const [shown, setShown] = useState(false)
  return (
    <Field label={label}>
      {(field) => (
        <div className="flex items-center gap-1 rounded-control border border-line-strong bg-bg pr-1">
          <input
            {...field}
            readOnly
            type={shown ? 'text' : 'password'}
            autoComplete="off"
            value={secret}
            onFocus={(event) => event.target.select()}
            className="h-9 min-w-0 flex-1 rounded-control bg-transparent px-2.5 font-mono text-sm focus-visible:outline-offset-0"
          />
          <button
            type="button"
            aria-pressed={shown}
            aria-label={shown ? 'Hide the value' : 'Show the value'}
            onClick={() => setShown(!shown)}
            className="inline-flex size-7 items-center justify-center rounded-control text-ink-3 hover:bg-hover hover:text-ink"
          >
            {shown ? <EyeOff className="size-4" /> : <Eye className="size-4" />}
          </button>
          <CopyButton text={secret} label={`Copy the ${label.toLowerCase()}`} />
        </div>
      )}
    </Field>
  )
}
