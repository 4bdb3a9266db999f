import { useQuery } from '@tanstack/react-query'
import { ClipboardCopy, Search, SearchX, Settings2 } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'

import { ProvidersSection } from '../identity-providers/providers-section.tsx'
import { useAddress } from '../navigation/address.ts'
import type { DeploymentPage } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { copyText } from '../ui/copy-text.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { useSettled } from '../ui/use-settled.ts'
import { NoPermission } from '../users/no-permission.tsx'
import { ExternalAuthProviders } from './external-auth-providers.tsx'
import { OptionRow } from './option-row.tsx'
import {
  envLines,
  groupHelp,
  groupTitle,
  isSet,
  isShown,
  matches,
  type Option,
  PAGES,
  pageOf,
} from './options.ts'
import { deploymentConfigQuery } from './queries.ts'

const SETTLE_MS = 200

const SHOWN = [
  { id: 'all', label: 'All' },
  { id: 'set', label: 'Set here' },
] as const

/** One page of effective options, and the search over all pages (UI-1403). */
export function OptionsPage({ page }: { readonly page: DeploymentPage }) {
  const permissions = usePermissions()
  const [search, change] = useAddress()
  const filter = (search.filter ?? '').trim()
  const onlySet = search.show === 'set'
  const config = useQuery({ ...deploymentConfigQuery, enabled: permissions?.viewDeploymentConfig === true })
  if (permissions?.viewDeploymentConfig === false)
    return <NoPermission what="see how the deployment is set up" permission="viewDeploymentConfig" />
  const options = config.data?.options.filter(isShown)
  const found = options
    ?.filter((option) => (filter === '' ? pageOf(option) === page : matches(option, filter)))
    .filter((option) => !onlySet || isSet(option))
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-2">
        <OptionSearch value={filter} onChange={(next) => change({ filter: next })} />
        <Segmented
          label="Which options"
          options={SHOWN}
          value={onlySet ? 'set' : 'all'}
          onChange={(next) => change({ show: next === 'set' ? 'set' : undefined })}
        />
        <CopyEnv options={found ?? []} />
      </div>
      {filter === '' && page === 'userauth' ? <ProvidersSection /> : null}
      {filter === '' && page === 'external-auth' ? <ExternalAuthProviders /> : null}
      {config.isError ? (
        <ErrorNotice
          error={config.error}
          title="The configuration could not be read"
          onRetry={() => void config.refetch()}
        />
      ) : null}
      {found === undefined ? (
        config.isError ? null : (
          <OptionsSkeleton />
        )
      ) : found.length === 0 ? (
        <div className="rounded-card border border-line bg-surface">
          {filter === '' ? (
            <EmptyState
              icon={Settings2}
              title="Nothing is set here"
              action={<Button onClick={() => change({ show: undefined })}>Show all options</Button>}
            >
              Every option on this page has its default.
            </EmptyState>
          ) : (
            <EmptyState
              icon={SearchX}
              title="No options match the search"
              action={
                <Button onClick={() => change({ filter: undefined, show: undefined })}>
                  Clear the search
                </Button>
              }
            >
              Names, flags, variables, YAML keys and values of all pages were searched.
            </EmptyState>
          )}
        </div>
      ) : (
        <Groups options={found} searched={filter !== ''} />
      )}
    </div>
  )
}

function Groups({
  options,
  searched,
}: {
  readonly options: readonly Option[]
  readonly searched: boolean
}): ReactNode {
  return PAGES.flatMap(({ page, label }) => {
    const groups = Map.groupBy(
      options.filter((option) => pageOf(option) === page),
      groupTitle,
    )
    return [...groups].map(([title, members]) => (
      <Section
        key={`${page} ${title}`}
        title={searched ? `${label}: ${title}` : title}
        help={members[0] === undefined ? undefined : groupHelp(members[0])}
        flush
      >
        <ul>
          {members.map((option) => (
            <OptionRow key={option.flag ?? option.env ?? option.name} option={option} />
          ))}
        </ul>
      </Section>
    ))
  })
}

function OptionSearch({
  value,
  onChange,
}: {
  readonly value: string
  readonly onChange: (value: string) => void
}) {
  const [text, setText] = useState(value)
  const settled = useSettled(text, SETTLE_MS)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the address follows the text, and not the other way around
  useEffect(() => {
    if (settled.trim() !== value) onChange(settled.trim())
  }, [settled])
  // Cleared, or gone back to, elsewhere.
  useEffect(() => setText((present) => (present.trim() === value ? present : value)), [value])
  return (
    <search className="relative min-w-0 flex-1 basis-64">
      <Search
        className="pointer-events-none absolute left-2.5 top-1/2 size-4 -translate-y-1/2 text-ink-3"
        aria-hidden="true"
      />
      <input
        type="search"
        aria-label="Search all options"
        placeholder="Search all pages: name, flag, variable, value"
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        value={text}
        onChange={(event) => setText(event.target.value)}
        className="h-8 w-full min-w-0 rounded-control border border-line-strong bg-surface pl-8 pr-2.5 text-base transition-colors duration-(--fast) hover:border-ink-3 focus-visible:outline-offset-0 sm:text-sm pointer-coarse:h-10"
      />
    </search>
  )
}

function CopyEnv({ options }: { readonly options: readonly Option[] }) {
  const set = options.filter(isSet)
  const copy = async () => {
    if (await copyText(`${envLines(set)}\n`)) toasts.done('Copied as environment variables, without secrets')
    else toasts.failed('Nothing was copied', new Error('The browser does not allow copying here.'))
  }
  return (
    <Button
      onClick={() => void copy()}
      disabled={set.length === 0}
      title={set.length === 0 ? 'Nothing is set here' : undefined}
      icon={<ClipboardCopy className="size-3.5" />}
    >
      Copy as env
    </Button>
  )
}

function OptionsSkeleton() {
  return (
    <AfterDelay>
      <div className="rounded-card border border-line bg-surface" aria-busy="true">
        {['a', 'b', 'c', 'd', 'e'].map((row) => (
          <div
            key={row}
            className="flex h-[68px] items-center gap-4 border-b border-line px-4 last:border-b-0"
          >
            <div className="flex flex-1 flex-col gap-2">
              <div className="skeleton h-3.5 w-40" />
              <div className="skeleton h-3 w-72 max-w-full" />
            </div>
            <div className="skeleton h-3.5 w-32" />
          </div>
        ))}
      </div>
    </AfterDelay>
  )
}
