import { ChevronRight, CircleAlert } from 'lucide-react'
import { type MouseEvent, type ReactNode, useId } from 'react'

import type { AuditLog } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Avatar } from '../ui/avatar.tsx'
import { classNames } from '../ui/class-names.ts'
import { CopyableId } from '../ui/copyable.tsx'
import { Mark } from '../ui/form.tsx'
import { AuditDiffTable } from './audit-diff.tsx'
import { automaticReason, clockTime, sentenceParts, targetOf, wholeTime, type Zone } from './audit-words.ts'

interface AuditEntryProps {
  readonly entry: AuditLog
  readonly zone: Zone
  readonly open: boolean
  readonly onToggle: () => void
  /** Whether organizations have to be told apart. */
  readonly several: boolean
  readonly mayViewUsers: boolean
}

/** One entry: who did what, and, opened, from where, with which answer, and what has changed (UI-1405). */
export function AuditEntry({ entry, zone, open, onToggle, several, mayViewUsers }: AuditEntryProps) {
  const details = useId()
  const changes = Object.keys(entry.diff).length
  const reason = automaticReason(entry)
  const onClick = (event: MouseEvent) => {
    if (!(event.target instanceof Element) || event.target.closest('a, button') !== null) return
    if ((window.getSelection()?.toString() ?? '') === '') onToggle()
  }
  return (
    <li className="border-b border-line last:border-b-0">
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the button in it does the same for the keyboard */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: an extra for pointers (UI-503) */}
      <div
        onClick={onClick}
        className="flex min-h-11 cursor-pointer items-start gap-2 py-2 pl-2 pr-4 hover:bg-hover sm:items-center"
      >
        <button
          type="button"
          aria-expanded={open}
          aria-controls={open ? details : undefined}
          aria-label={`Details of ${plainSentence(entry)} at ${clockTime(entry.time, zone)}`}
          onClick={onToggle}
          className="inline-flex size-7 shrink-0 items-center justify-center rounded-control text-ink-3 hover:text-ink"
        >
          <ChevronRight
            className={classNames('size-4 transition-transform duration-(--fast)', open && 'rotate-90')}
            aria-hidden="true"
          />
        </button>
        <Avatar
          name={entry.user?.username ?? '–'}
          url={entry.user?.avatar_url}
          className="size-6 max-sm:hidden"
        />
        <div className="flex min-w-0 flex-1 flex-col gap-x-3 gap-y-0.5 pt-0.5 sm:flex-row sm:items-center sm:pt-0">
          <span className="min-w-0 flex-1 text-sm text-ink-2 [overflow-wrap:anywhere]">
            <Sentence entry={entry} mayViewUsers={mayViewUsers} />
            {reason === undefined ? null : <span> {reason}</span>}
          </span>
          <span className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-0.5 text-xs text-ink-2">
            {changes === 0 ? null : (
              <span className="max-md:hidden">
                {changes} {changes === 1 ? 'field' : 'fields'}
              </span>
            )}
            {several && entry.organization !== undefined ? (
              <span className="max-w-40 truncate max-lg:hidden">
                {entry.organization.display_name || entry.organization.name}
              </span>
            ) : null}
            <span className="sm:flex sm:w-24 sm:justify-end">
              <Status code={entry.status_code} />
            </span>
            <time
              dateTime={entry.time}
              title={wholeTime(entry.time, zone)}
              className="w-14 text-right tabular-nums"
            >
              {clockTime(entry.time, zone)}
            </time>
          </span>
        </div>
      </div>
      {open ? <Details id={details} entry={entry} zone={zone} /> : null}
    </li>
  )
}

/** The answer that the request got; refusals and failures stand out. */
function Status({ code }: { readonly code: number }) {
  if (code < 400) return <span className="tabular-nums">{code}</span>
  return (
    <span className="inline-flex items-center gap-1 font-medium tabular-nums text-bad">
      <CircleAlert className="size-3.5" aria-hidden="true" />
      {code} {code === 401 || code === 403 ? 'refused' : 'failed'}
    </span>
  )
}

function Sentence({ entry, mayViewUsers }: { readonly entry: AuditLog; readonly mayViewUsers: boolean }) {
  return sentenceParts(entry.description).map((part, index) => {
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one sentence never move
    if (part.kind === 'words') return <span key={index}>{part.text}</span>
    if (part.kind === 'user')
      return entry.user === null ? (
        <span key="user" className="font-medium text-ink">
          Somebody without an account
        </span>
      ) : (
        <Name key="user" href={mayViewUsers ? paths.user(entry.user.username) : ''}>
          {entry.user.username}
        </Name>
      )
    return (
      <span key="target">
        <Name href={entry.resource_link}>{targetOf(entry)}</Name>
        {entry.is_deleted ? (
          <>
            {' '}
            <Mark>deleted</Mark>
          </>
        ) : null}
      </span>
    )
  })
}

function Name({ href, children }: { readonly href: string; readonly children: ReactNode }) {
  return href === '' ? (
    <bdi className="font-medium text-ink">{children}</bdi>
  ) : (
    <AppLink
      href={href}
      className="font-medium text-ink underline decoration-line-strong underline-offset-3 hover:text-accent hover:decoration-current"
    >
      <bdi>{children}</bdi>
    </AppLink>
  )
}

function plainSentence(entry: AuditLog): string {
  return sentenceParts(entry.description)
    .map((part) =>
      part.kind === 'words'
        ? part.text
        : part.kind === 'user'
          ? (entry.user?.username ?? 'somebody')
          : targetOf(entry),
    )
    .join('')
}

function Details({
  id,
  entry,
  zone,
}: {
  readonly id: string
  readonly entry: AuditLog
  readonly zone: Zone
}) {
  const additional = Object.keys(entry.additional_fields).length > 0
  return (
    <div id={id} className="flex flex-col gap-3 bg-bg px-4 pb-4 pt-3 sm:pl-11">
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 text-sm lg:grid-cols-[auto_minmax(0,1fr)_auto_minmax(0,1fr)]">
        <Fact label="Time">{wholeTime(entry.time, zone)}</Fact>
        <Fact label="Address">
          {entry.ip === '' ? <span className="text-ink-3">not known</span> : <code>{entry.ip}</code>}
        </Fact>
        <Fact label="Organization">
          {entry.organization === undefined
            ? 'the deployment'
            : entry.organization.display_name || entry.organization.name}
        </Fact>
        <Fact label="Request">
          <CopyableId id={entry.request_id} />
        </Fact>
        <Fact label="Answer">
          <Status code={entry.status_code} />
        </Fact>
        <Fact label="Resource">
          <CopyableId id={entry.resource_id} />
        </Fact>
        <Fact label="Client" wide>
          {entry.user_agent === '' ? <span className="text-ink-3">not known</span> : entry.user_agent}
        </Fact>
      </dl>
      <AuditDiffTable diff={entry.diff} />
      {additional ? (
        <pre className="overflow-x-auto whitespace-pre-wrap break-words rounded-control border border-line bg-surface px-3 py-2 text-xs text-ink-2">
          {JSON.stringify(entry.additional_fields, null, 2)}
        </pre>
      ) : null}
      <div className="flex flex-wrap gap-x-4 gap-y-1 text-sm">
        <AppLink className="link" href={paths.auditLog({ filter: `resource_id:${entry.resource_id}` })}>
          History of this {entry.resource_type.replaceAll('_', ' ')}
        </AppLink>
        <AppLink className="link" href={paths.auditLog({ filter: `request_id:${entry.request_id}` })}>
          All entries of this request
        </AppLink>
        {entry.user === null ? null : (
          <AppLink className="link" href={paths.auditLog({ filter: `username:${entry.user.username}` })}>
            All by {entry.user.username}
          </AppLink>
        )}
      </div>
    </div>
  )
}

function Fact({
  label,
  wide = false,
  children,
}: {
  readonly label: string
  readonly wide?: boolean
  readonly children: ReactNode
}) {
  return (
    <>
      <dt className="leading-6 text-ink-2">{label}</dt>
      <dd className={classNames('min-w-0 leading-6 [overflow-wrap:anywhere]', wide && 'lg:col-span-3')}>
        {children}
      </dd>
    </>
  )
}
