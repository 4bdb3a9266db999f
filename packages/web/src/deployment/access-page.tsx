import { useQuery } from '@tanstack/react-query'
import { Scale } from 'lucide-react'
import { useState } from 'react'

import { explainAuthorization, type Organization } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError, statusOf } from '../api/errors.ts'
import { useAddress } from '../navigation/address.ts'
import { PersonPicker } from '../organizations/person-picker.tsx'
import { actionLabel, resourceLabel } from '../roles/permission-matrix.ts'
import { organizationsQuery } from '../session/queries.ts'
import { useCheck } from '../session/use-check.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, Mark, Select, TextInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { useSettled } from '../ui/use-settled.ts'
import { NoPermission } from '../users/no-permission.tsx'
import { type AccessQuestion, isIdOrNothing, questionOf } from './access-question.ts'
import { AccessResult } from './access-result.tsx'
import { RESOURCE_ACTIONS } from './resource-actions.ts'

const SETTLE_MS = 300
/** An owner who is nobody: somebody else than the user. */
const OTHER = '00000000-0000-0000-0000-000000000000'

/** `/deployment/access`: why somebody may or may not do something (RB-135). */
export function AccessPage() {
  const mayExplain = useCheck('read', { resource_type: 'audit_log' })
  const [search, change] = useAddress()
  const question = questionOf(search)
  const organizations = useQuery(organizationsQuery).data ?? []
  const asked = question.user !== '' && isIdOrNothing(question.id)
  const answer = useQuery({
    queryKey: ['explain', question],
    queryFn: ({ signal }) =>
      api.call(explainAuthorization, {
        query: {
          user: question.user,
          action: question.action,
          resource_type: question.resource,
          ...(question.id === '' ? {} : { resource_id: question.id }),
          ...(question.owner === '' ? {} : { owner_id: question.owner }),
          ...(question.organization === '' || question.organization === 'any'
            ? {}
            : { organization_id: question.organization }),
          ...(question.organization === 'any' ? { any_org: 'true' as const } : {}),
        },
        signal,
      }),
    enabled: asked && mayExplain === true,
  })
  if (mayExplain === false)
    return <NoPermission what="see why others have access" permission="viewAnyAuditLog" />
  return (
    <div className="grid items-start gap-4 xl:grid-cols-[20rem_minmax(0,1fr)]">
      <Section title="Question">
        <Question question={question} organizations={organizations} error={answer.error} onChange={change} />
      </Section>
      <div className="flex min-w-0 flex-col gap-4" aria-live="polite" aria-busy={answer.isFetching}>
        {answer.isError ? (
          <ErrorNotice
            error={answer.error}
            title={statusOf(answer.error) === 404 ? 'There is no such user or object' : 'There is no answer'}
            onRetry={() => void answer.refetch()}
          />
        ) : null}
        {answer.data !== undefined ? (
          <AccessResult answer={answer.data} organizations={organizations} />
        ) : answer.isError ? null : asked ? (
          <AfterDelay>
            <div className="skeleton h-40" />
          </AfterDelay>
        ) : (
          <div className="rounded-card border border-line bg-surface">
            <EmptyState icon={Scale} title="Check what somebody may do">
              Choose a user, an action and a resource. The answer lists each role and permission that allows
              or refuses it.
            </EmptyState>
          </div>
        )}
      </div>
    </div>
  )
}

interface QuestionProps {
  readonly question: AccessQuestion
  readonly organizations: readonly Organization[]
  readonly error: unknown
  readonly onChange: (patch: Readonly<Record<string, string | undefined>>) => void
}

function Question({ question, organizations, error, onChange }: QuestionProps) {
  const resources = Object.keys(RESOURCE_ACTIONS)
    .map((value) => ({ value, label: resourceLabel(value) }))
    .sort((first, second) => first.label.localeCompare(second.label))
  return (
    <div className="flex flex-col gap-5">
      <Field
        label="User"
        help={question.user === '' ? 'Find somebody by name or email.' : `Asked about ${question.user}.`}
        error={fieldError(error, 'user')}
      >
        {(field) => <PersonPicker field={field} onPick={({ username }) => onChange({ user: username })} />}
      </Field>
      <Field label="Resource" error={fieldError(error, 'resource_type')}>
        {(field) => (
          <Select
            {...field}
            value={question.resource}
            options={resources}
            onChange={(event) => onChange({ type: event.target.value, action: undefined })}
          />
        )}
      </Field>
      <Field label="Action" error={fieldError(error, 'action')}>
        {(field) => (
          <Select
            {...field}
            value={question.action}
            options={RESOURCE_ACTIONS[question.resource].map((value) => ({
              value,
              label: actionLabel(value),
            }))}
            onChange={(event) => onChange({ action: event.target.value })}
          />
        )}
      </Field>
      <SettledText
        label="Id"
        help="An existing object; its owner and organization are filled in from it. Leave empty to ask about any."
        value={question.id}
        check={(text) => (isIdOrNothing(text) ? undefined : 'An id is a UUID of 36 characters.')}
        refusal={fieldError(error, 'resource_id')}
        onChange={(id) => onChange({ id })}
      />
      {question.id === '' ? (
        <>
          <Field label="Owner" error={fieldError(error, 'owner_id')}>
            {(field) => (
              <Select
                {...field}
                value={question.owner === '' || question.owner === 'me' ? question.owner : OTHER}
                options={[
                  { value: '', label: 'Nobody in particular' },
                  { value: 'me', label: 'The user themselves' },
                  { value: OTHER, label: 'Somebody else' },
                ]}
                onChange={(event) => onChange({ owner: event.target.value })}
              />
            )}
          </Field>
          {question.owner === '' || question.owner === 'me' ? null : (
            <SettledText
              label="Owner id"
              help="Shown on the user’s page. Leave empty for anybody else."
              value={question.owner === OTHER ? '' : question.owner}
              check={(text) => (isIdOrNothing(text) ? undefined : 'An id is a UUID of 36 characters.')}
              onChange={(owner) => onChange({ owner: owner === '' ? OTHER : owner })}
            />
          )}
          <Field label="Organization" error={fieldError(error, 'organization_id')}>
            {(field) => (
              <Select
                {...field}
                value={question.organization}
                options={[
                  { value: '', label: 'None: the deployment' },
                  { value: 'any', label: 'Any of their organizations' },
                  ...organizations.map(({ id, name, display_name }) => ({
                    value: id,
                    label: display_name || name,
                  })),
                ]}
                onChange={(event) => onChange({ org: event.target.value })}
              />
            )}
          </Field>
        </>
      ) : null}
    </div>
  )
}

/** A text that counts once typing has stopped and it is right. */
function SettledText({
  label,
  help,
  value,
  check,
  refusal,
  onChange,
}: {
  readonly label: string
  readonly help: string
  readonly value: string
  readonly check: (text: string) => string | undefined
  /** What the server says of it. */
  readonly refusal?: string | undefined
  readonly onChange: (text: string) => void
}) {
  const [text, setText] = useState(value)
  const [left, setLeft] = useState(false)
  const settled = useSettled(text.trim(), SETTLE_MS)
  const fault = check(text.trim())
  const apply = () => {
    setLeft(true)
    if (fault === undefined && text.trim() !== value) onChange(text.trim())
  }
  return (
    <Field
      label={label}
      help={help}
      error={fault !== undefined && (left || settled.length > 35) ? fault : refusal}
      marks={<Mark>optional</Mark>}
    >
      {(field) => (
        <TextInput
          {...field}
          spellCheck={false}
          autoComplete="off"
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            setLeft(false)
            const next = event.target.value.trim()
            if (check(next) === undefined && next !== value) onChange(next)
          }}
          onBlur={apply}
        />
      )}
    </Field>
  )
}
