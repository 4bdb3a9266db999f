import type { ProviderTest, SyncExplanation } from '@slipway/contract'
import { Mark } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'

type Sync = NonNullable<ProviderTest['sync']>

/** Memberships, groups and roles that a real sign-in would give and take away. */
export function SyncOutcome({ sync }: { readonly sync: Sync }) {
  return (
    <Section title="What the sync would do" flush>
      <Part title="Organizations" part={sync.organizations} />
      <Part title="Roles of the deployment" part={sync.site_roles} />
      {sync.by_organization.map(({ organization, groups, roles }) => (
        <div key={organization.id ?? organization.name}>
          <Part title={`Groups in ${organization.name}`} part={groups} />
          <Part title={`Roles in ${organization.name}`} part={roles} />
        </div>
      ))}
    </Section>
  )
}

function Part({ title, part }: { readonly title: string; readonly part: SyncExplanation }) {
  const idle = part.enabled && part.error === '' && part.added.length === 0 && part.removed.length === 0
  return (
    <div className="grid gap-x-4 gap-y-1 border-b border-line px-4 py-2 text-sm last:border-b-0 sm:grid-cols-[minmax(0,14rem)_minmax(0,1fr)]">
      <h3 className="text-ink-2">{title}</h3>
      <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
        {part.enabled ? null : <span className="text-ink-3">The sync is off</span>}
        {part.error === '' ? null : <span className="text-warn">{part.error}</span>}
        {idle ? <span className="text-ink-2">Nothing changes</span> : null}
        <Targets sign="+" label="added" targets={part.added} />
        <Targets sign="−" label="removed" targets={part.removed} />
        {part.values
          .filter(({ outcome }) => outcome === 'unknown' || outcome === 'filtered')
          .map(({ value, outcome }) => (
            <span key={value} className="text-ink-3">
              <code>{value}</code> {outcome === 'unknown' ? 'is not known here' : 'is filtered out'}
            </span>
          ))}
      </div>
    </div>
  )
}

function Targets({
  sign,
  label,
  targets,
}: {
  readonly sign: '+' | '−'
  readonly label: string
  readonly targets: SyncExplanation['added']
}) {
  if (targets.length === 0) return null
  return (
    <span className="inline-flex flex-wrap items-center gap-1">
      <span aria-hidden="true" className={sign === '+' ? 'text-ok' : 'text-bad'}>
        {sign}
      </span>
      <span className="sr-only">{label}</span>
      {targets.map(({ id, name }) => (
        <Mark key={id ?? name}>{name}</Mark>
      ))}
    </span>
  )
}
