import { useMutation, useQuery } from '@tanstack/react-query'
import { Wand } from 'lucide-react'
import { type FormEvent, useId, useRef, useState } from 'react'

import { createUserSkill, type UserSkill, updateUserSkill } from '@slipway/contract'
import { api, queries } from '../../api/client.ts'
import { fieldError, statusOf } from '../../api/errors.ts'
import { countInvisible } from '../../chat-conversation/composer-text.ts'
import { useOnline } from '../../frame/connection-banner.tsx'
import { useRouteParam } from '../../navigation/address.ts'
import { AppLink, useGo } from '../../navigation/app-link.tsx'
import { paths } from '../../paths.ts'
import { Button, buttonClass } from '../../ui/button.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { ErrorNotice } from '../../ui/error-notice.tsx'
import { Field, TextArea } from '../../ui/form.tsx'
import { Markdown } from '../../ui/markdown.tsx'
import { Section } from '../../ui/page.tsx'
import { Segmented } from '../../ui/segmented.tsx'
import { toasts } from '../../ui/toast.tsx'
import { UnsavedChanges } from '../../ui/unsaved-changes.tsx'
import { ownSkillQuery, ownSkillsQuery } from '../queries.ts'
import { utf8Length } from './long-text.ts'
import { SettingState } from './setting-state.tsx'
import { EMPTY_SKILL, MOST_SKILL_BYTES, readSkillText } from './skill-text.ts'

/** `/agents/settings/personal-skills/add` */
export function NewSkillPage() {
  return (
    <Section title="New skill" help="Written as a SKILL.md: name and description on top, then what to do.">
      <SkillForm skill={undefined} />
    </Section>
  )
}

/** `/agents/settings/personal-skills/edit/{name}` */
export function SkillPage() {
  const name = useRouteParam('skill')
  const skill = useQuery(ownSkillQuery(name))
  if (statusOf(skill.error) === 404)
    return (
      <Section title="Skill" flush>
        <EmptyState
          icon={Wand}
          title="There is no such skill"
          action={
            <AppLink
              href={paths.agentSettings('personal-skills')}
              className={buttonClass({ tone: 'primary' })}
            >
              All skills
            </AppLink>
          }
        >
          It was deleted, or the link is mistyped.
        </EmptyState>
      </Section>
    )
  return (
    <Section title={name} help="It keeps its name. Chats read the new text the next time they look it up.">
      <SettingState query={skill} failure="The skill could not be read">
        {(found) => <SkillForm key={found.id} skill={found} />}
      </SettingState>
    </Section>
  )
}

function SkillForm({ skill }: { readonly skill: UserSkill | undefined }) {
  const go = useGo()
  const online = useOnline()
  const form = useId()
  const saved = skill?.content ?? EMPTY_SKILL
  const [text, setText] = useState(saved)
  const [view, setView] = useState<'write' | 'preview'>('write')
  /** Errors wait for the first pause: leaving the field, or trying to save. */
  const [judged, setJudged] = useState(skill !== undefined)
  const changed = useRef(false)
  changed.current = text !== saved
  const read = readSkillText(text, skill?.name)
  const bytes = utf8Length(text)
  const invisible = countInvisible(text)
  const save = useMutation({
    mutationFn: () =>
      skill === undefined
        ? api.call(createUserSkill, { params: { user: 'me' }, body: { content: text } })
        : api.call(updateUserSkill, {
            params: { user: 'me', skillName: skill.name },
            body: { content: text },
          }),
    onSuccess: async (stored) => {
      changed.current = false
      queries.setQueryData(ownSkillQuery(stored.name).queryKey, stored)
      await queries.invalidateQueries({ queryKey: ownSkillsQuery.queryKey })
      toasts.done(`The skill ${stored.name} was saved`)
      go(paths.agentSettings('personal-skills'))
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setJudged(true)
    if ('error' in read) {
      setView('write')
      requestAnimationFrame(() =>
        document.getElementById(form)?.querySelector<HTMLTextAreaElement>('textarea')?.focus(),
      )
    } else if (!save.isPending) save.mutate()
  }
  const error = judged && 'error' in read ? read.error : fieldError(save.error, 'content')
  return (
    <form id={form} onSubmit={submit} className="flex flex-col gap-4">
      <ErrorNotice error={save.error} title="The skill was not saved" />
      <div className="flex flex-wrap items-center justify-between gap-2">
        <Segmented
          label="View"
          value={view}
          onChange={setView}
          options={[
            { id: 'write', label: 'Write' },
            { id: 'preview', label: 'Preview' },
          ]}
        />
        <span className="text-xs tabular-nums text-ink-2">
          {bytes.toLocaleString('en-US')} of {MOST_SKILL_BYTES.toLocaleString('en-US')} bytes
        </span>
      </div>
      {view === 'write' ? (
        <Field
          label="Text of the skill"
          help="The name has lower-case letters, digits and single hyphens, 64 characters at most. The description says when the skill is to be used."
          error={error}
        >
          {(field) => (
            <TextArea
              {...field}
              rows={18}
              value={text}
              spellCheck={false}
              onChange={(event) => {
                setText(event.target.value)
                if (save.isError) save.reset()
              }}
              onBlur={() => setJudged((before) => before || text !== saved)}
              className="font-mono text-sm! leading-relaxed"
            />
          )}
        </Field>
      ) : (
        <Preview read={read} />
      )}
      {invisible === 0 ? null : (
        <p role="status" className="text-xs text-warn">
          {invisible === 1 ? 'One character cannot be seen' : `${invisible} characters cannot be seen`}: look
          at pasted text twice.
        </p>
      )}
      <div className="flex justify-end gap-2">
        <AppLink href={paths.agentSettings('personal-skills')} className={buttonClass({})}>
          Cancel
        </AppLink>
        <Button type="submit" tone="primary" busy={save.isPending} disabled={!online}>
          {skill === undefined ? 'Create skill' : 'Save skill'}
        </Button>
      </div>
      <UnsavedChanges
        changed={changed}
        what={skill === undefined ? 'the new skill' : `the skill ${skill.name}`}
      />
    </form>
  )
}

/** As the model is told of it, and as it reads it. */
function Preview({ read }: { readonly read: ReturnType<typeof readSkillText> }) {
  if ('error' in read)
    return (
      <p className="rounded-control border border-line bg-bg px-3 py-2 text-sm text-bad first-letter:uppercase">
        {read.error}
      </p>
    )
  return (
    <article className="min-w-0 rounded-control border border-line bg-bg p-4">
      <header className="border-b border-line pb-3">
        <p className="font-mono text-sm font-medium">{read.name}</p>
        <p className="text-sm text-ink-2 [overflow-wrap:anywhere]">{read.description}</p>
      </header>
      <div className="pt-3">
        {read.body === '' ? (
          <p className="text-sm text-ink-2">Nothing follows yet: the model would read an empty page.</p>
        ) : (
          <Markdown text={read.body} />
        )}
      </div>
    </article>
  )
}
