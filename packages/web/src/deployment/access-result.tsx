import { CircleCheck, CircleMinus, CircleX, type LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

import type { AuthorizationExplanation, ExplainedLevel, Organization } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { actionLabel, resourceLabel } from '../roles/permission-matrix.ts'
import { classNames } from '../ui/class-names.ts'
import { Mark } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'

interface AccessResultProps {
  readonly answer: AuthorizationExplanation
  readonly organizations: readonly Organization[]
}

/** The decision, and what each level of roles, the access lists and the credential say to it. */
export function AccessResult({ answer, organizations }: AccessResultProps) {
  const nameOf = (id: string) => {
    const found = organizations.find((organization) => organization.id === id)
    return found === undefined ? id.slice(0, 8) : found.display_name || found.name
  }
  return (
    <>
      <Decision answer={answer} />
      <Section
        title="Roles"
        help="The first level with an answer decides. Within a level, a refusal takes precedence."
        flush
      >
        <ol>
          {answer.roles.levels.map((level) => (
            <Level key={`${level.level} ${level.organization_id}`} level={level} nameOf={nameOf} />
          ))}
        </ol>
      </Section>
      <Section title="Access list" flush>
        {answer.acl.entries.length === 0 ? (
          <p className="px-4 py-3 text-sm text-ink-2">It names neither this user nor a group of theirs.</p>
        ) : (
          <ul>
            {answer.acl.entries.map((entry) => (
              <li
                key={`${entry.kind} ${entry.id}`}
                className="flex flex-wrap items-center gap-2 border-b border-line px-4 py-2 text-sm last:border-b-0"
              >
                <span>{entry.kind === 'user' ? 'This user' : `Group ${entry.id.slice(0, 8)}`}</span>
                {entry.actions.map((action) => (
                  <Mark key={action}>{action === '*' ? 'every action' : actionLabel(action)}</Mark>
                ))}
              </li>
            ))}
          </ul>
        )}
      </Section>
      <Section title="Roles of this user" help="The roles behind the answer.">
        <div className="flex flex-wrap items-center gap-1.5 text-sm">
          <AppLink className="link mr-2" href={paths.user(answer.subject.username)}>
            {answer.subject.username}
          </AppLink>
          {answer.subject.roles.map(({ name, organization_id }) => (
            <Mark key={`${name} ${organization_id}`}>
              {organization_id === undefined ? name : `${name} in ${nameOf(organization_id)}`}
            </Mark>
          ))}
        </div>
      </Section>
    </>
  )
}

function Decision({ answer }: { readonly answer: AuthorizationExplanation }) {
  const { allowed, subject, scope } = answer
  const Icon = allowed ? CircleCheck : CircleX
  return (
    <div
      className={classNames(
        'flex items-start gap-3 rounded-card border border-[color-mix(in_srgb,var(--tone)_28%,var(--line))] px-4 py-3',
        allowed ? 'bg-ok-wash [--tone:var(--ok)]' : 'bg-bad-wash [--tone:var(--bad)]',
      )}
    >
      <Icon className="mt-0.5 size-5 shrink-0 text-(--tone)" aria-hidden="true" />
      <div className="min-w-0">
        <h2 className="text-base font-semibold">
          <bdi>{subject.username}</bdi> {allowed ? 'may' : 'may not'} do this:{' '}
          {inSentence(actionLabel(answer.action))} {inSentence(resourceLabel(answer.object.resource_type))}
        </h2>
        <p className="text-sm text-ink-2">{why(answer, scope.allowed)}</p>
      </div>
    </div>
  )
}

/** A label inside of a sentence; "SSH" and "API keys" keep their capitals. */
function inSentence(label: string): string {
  return /^[A-Z][a-z]/.test(label) ? label.charAt(0).toLowerCase() + label.slice(1) : label
}

function why({ allowed, roles, acl, subject }: AuthorizationExplanation, scoped: boolean): string {
  if (subject.status === 'suspended') return 'The account is suspended, so nothing it asks for is done.'
  if (!scoped) return 'The credential does not allow it, whatever the roles allow.'
  if (allowed)
    return roles.allowed
      ? 'Their roles allow it.'
      : acl.allowed
        ? 'The access list of the object allows it.'
        : ''
  const refusing = roles.levels.find(({ applies, vote }) => applies && vote < 0)
  if (refusing !== undefined) return `A role refuses it at the level "${LEVELS[refusing.level]}".`
  return 'No role and no access list allows it.'
}

const LEVELS: Readonly<Record<ExplainedLevel['level'], string>> = {
  site: 'deployment',
  user: 'what is their own',
  org: 'organization',
  member: 'their own in the organization',
}

const VOTES: Readonly<
  Record<'1' | '0' | '-1', { readonly label: string; readonly icon: LucideIcon; readonly tone: string }>
> = {
  1: { label: 'Allows', icon: CircleCheck, tone: 'text-ok' },
  0: { label: 'No answer', icon: CircleMinus, tone: 'text-off' },
  '-1': { label: 'Refuses', icon: CircleX, tone: 'text-bad' },
}

function Level({
  level,
  nameOf,
}: {
  readonly level: ExplainedLevel
  readonly nameOf: (organization: string) => string
}): ReactNode {
  const vote = VOTES[level.vote > 0 ? '1' : level.vote < 0 ? '-1' : '0']
  const Icon = vote.icon
  const title = LEVELS[level.level]
  return (
    <li
      className={classNames(
        'grid gap-x-4 gap-y-1 border-b border-line px-4 py-2.5 text-sm last:border-b-0 sm:grid-cols-[minmax(0,11rem)_7rem_minmax(0,1fr)]',
      )}
    >
      <span className={level.applies ? 'font-medium' : 'text-ink-2'}>
        {title.charAt(0).toUpperCase() + title.slice(1)}
        {level.organization_id === undefined ? '' : `: ${nameOf(level.organization_id)}`}
      </span>
      <span
        className={classNames('inline-flex items-center gap-1.5', level.applies ? vote.tone : 'text-ink-3')}
      >
        {level.applies ? (
          <>
            <Icon className="size-3.5" aria-hidden="true" /> {vote.label}
          </>
        ) : (
          'Not checked'
        )}
      </span>
      <span className="flex min-w-0 flex-col gap-0.5">
        {level.permissions.length === 0 ? (
          <span className="text-ink-3">No matching permission</span>
        ) : (
          level.permissions.map((permission) => (
            <span
              key={`${permission.role} ${permission.organization_id} ${permission.resource_type} ${permission.action} ${permission.negate}`}
              className="flex flex-wrap items-center gap-x-2"
            >
              <Mark>{permission.role}</Mark>
              <code className={classNames('text-xs', permission.negate && 'text-bad')}>
                {permission.negate ? 'not ' : ''}
                {permission.resource_type}:{permission.action}
              </code>
            </span>
          ))
        )}
      </span>
    </li>
  )
}
