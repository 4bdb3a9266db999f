import { useState } from 'react'

import type { IdentityProviderKind, ProviderTest } from '@slipway/contract'
import { CopyButton } from '../ui/copyable.tsx'
import { Section } from '../ui/page.tsx'
import { Segmented } from '../ui/segmented.tsx'

type Claims = NonNullable<ProviderTest['claims']>

const PARTS = [
  { id: 'merged_claims', label: 'Merged' },
  { id: 'id_token_claims', label: 'ID token' },
  { id: 'user_info_claims', label: 'Userinfo' },
] as const

/** What the provider has said, as it said it: each source alone, and together as they count (L-29). */
export function ClaimsViewer({
  claims,
  kind,
}: {
  readonly claims: Claims
  readonly kind: IdentityProviderKind
}) {
  const [part, setPart] = useState<keyof Claims>('merged_claims')
  const shown = Object.entries(claims[part]).sort(([first], [second]) => first.localeCompare(second))
  const text = JSON.stringify(claims[part], null, 2)
  return (
    <Section
      title="Claims"
      help={
        kind === 'oidc'
          ? 'If a claim is in both sources, the one from the userinfo endpoint wins.'
          : 'What GitHub says about the account.'
      }
      actions={<CopyButton text={text} label="Copy these claims as JSON" />}
      flush
    >
      <div className="border-b border-line px-4 py-2">
        <Segmented
          label="Source of the claims"
          options={PARTS.map((one) => ({ ...one, count: Object.keys(claims[one.id]).length }))}
          value={part}
          onChange={setPart}
        />
      </div>
      {shown.length === 0 ? (
        <p className="px-4 py-6 text-center text-sm text-ink-2">This source returned nothing.</p>
      ) : (
        <dl className="text-sm">
          {shown.map(([claim, value]) => (
            <div
              key={claim}
              className="grid gap-x-4 border-b border-line px-4 py-1.5 last:border-b-0 sm:grid-cols-[minmax(0,14rem)_minmax(0,1fr)]"
            >
              <dt className="break-words font-mono text-xs leading-5 text-ink-2">{claim}</dt>
              <dd className="min-w-0 whitespace-pre-wrap font-mono text-xs leading-5 [overflow-wrap:anywhere]">
                {typeof value === 'string' ? value : JSON.stringify(value, null, 1)}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </Section>
  )
}
