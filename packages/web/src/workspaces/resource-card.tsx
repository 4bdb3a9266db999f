import { Eye, EyeOff } from 'lucide-react'
import { useState } from 'react'

import type { WorkspaceResource } from '@slipway/contract'
import { ThingIcon } from '../ui/thing-icon.tsx'

/** A part of a workspace beside its agents; sensitive values show on demand (UI-721). */
export function ResourceCard({ resource }: { readonly resource: WorkspaceResource }) {
  const metadata = resource.metadata ?? []
  return (
    <section
      aria-label={`Resource ${resource.name}`}
      className="flex min-w-0 flex-wrap items-center gap-x-6 gap-y-2 rounded-card border border-line bg-surface px-4 py-3"
    >
      <div className="flex min-w-0 items-center gap-2.5">
        <ThingIcon src={resource.icon} className="size-5" />
        <span className="min-w-0">
          <span className="block truncate text-sm font-medium">{resource.name}</span>
          <span className="block truncate text-xs text-ink-3">{resource.type}</span>
        </span>
      </div>
      <dl className="flex min-w-0 flex-wrap gap-x-6 gap-y-2">
        {metadata.map(({ key, value, sensitive }) => (
          <div key={key} className="min-w-0">
            <dt className="text-xs text-ink-3">{key}</dt>
            <dd className="flex items-center gap-1 font-mono text-sm">
              {sensitive ? <Masked value={value} /> : <span className="break-all">{value}</span>}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Masked({ value }: { readonly value: string }) {
  const [shown, setShown] = useState(false)
  return (
    <>
      <span className="break-all">{shown ? value : '••••••••'}</span>
      <button
        type="button"
        aria-pressed={shown}
        aria-label={shown ? 'Hide the value' : 'Show the value'}
        onClick={() => setShown(!shown)}
        className="inline-flex size-6 items-center justify-center rounded-control text-ink-3 hover:bg-hover hover:text-ink"
      >
        {shown ? <EyeOff className="size-3.5" /> : <Eye className="size-3.5" />}
      </button>
    </>
  )
}
