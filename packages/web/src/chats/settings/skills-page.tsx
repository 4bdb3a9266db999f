import { useMutation, useQuery } from '@tanstack/react-query'
import { Pencil, Plus, Trash2, Wand } from 'lucide-react'
import { useState } from 'react'

import { deleteUserSkill, type UserSkillMetadata } from '@slipway/contract'
import { api, queries } from '../../api/client.ts'
import { useOnline } from '../../frame/connection-banner.tsx'
import { AppLink, useGo } from '../../navigation/app-link.tsx'
import { paths } from '../../paths.ts'
import { buttonClass } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { Menu } from '../../ui/menu.tsx'
import { Section } from '../../ui/page.tsx'
import { TimeAgo } from '../../ui/time-ago.tsx'
import { toasts } from '../../ui/toast.tsx'
import { ownSkillsQuery } from '../queries.ts'
import { SettingState } from './setting-state.tsx'

/** `/agents/settings/personal-skills`: what the viewer's chats can look up wherever they work (CH-1303). */
export function SkillsPage() {
  const skills = useQuery(ownSkillsQuery)
  const some = (skills.data?.length ?? 0) > 0
  return (
    <Section
      title="Personal skills"
      help="Instructions for one kind of task. The model sees name and description, and reads the rest when it needs it."
      actions={some ? <NewSkill /> : null}
      flush={skills.data !== undefined}
    >
      <SettingState query={skills} failure="Your skills could not be read">
        {(all) =>
          all.length === 0 ? (
            <EmptyState icon={Wand} title="No skill yet" action={<NewSkill />}>
              Write down how you want something done: reviews, releases, reports. Skills that a workspace
              brings are beside them.
            </EmptyState>
          ) : (
            <ul>
              {all.map((skill) => (
                <Row key={skill.id} skill={skill} />
              ))}
            </ul>
          )
        }
      </SettingState>
    </Section>
  )
}

function NewSkill() {
  return (
    <AppLink href={paths.newSkill()} className={buttonClass({ tone: 'primary' })}>
      <Plus className="size-4" aria-hidden="true" />
      New skill
    </AppLink>
  )
}

function Row({ skill }: { readonly skill: UserSkillMetadata }) {
  const online = useOnline()
  const go = useGo()
  const [asking, setAsking] = useState(false)
  const { name, description, updated_at: time } = skill
  const remove = useMutation({
    mutationFn: () => api.call(deleteUserSkill, { params: { user: 'me', skillName: name } }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ownSkillsQuery.queryKey })
      setAsking(false)
      toasts.done(`The skill ${name} was deleted`)
    },
  })
  return (
    <li className="flex min-h-14 items-center gap-3 border-b border-line py-2 pl-4 pr-2 last:border-b-0">
      <span className="min-w-0 flex-1">
        <AppLink
          href={paths.skill(name)}
          className="block w-fit max-w-full truncate font-mono text-sm font-medium hover:text-accent"
        >
          {name}
        </AppLink>
        <span className="line-clamp-2 text-sm text-ink-2 [overflow-wrap:anywhere]">
          <bdi>{description}</bdi>
        </span>
      </span>
      <span className="shrink-0 text-sm text-ink-2 max-sm:hidden">
        <TimeAgo time={time} />
      </span>
      <Menu
        label={`Actions for ${name}`}
        groups={[
          [{ id: 'edit', label: 'Edit', icon: Pencil, onSelect: () => go(paths.skill(name)) }],
          [
            {
              id: 'delete',
              label: 'Delete',
              icon: Trash2,
              danger: true,
              disabled: !online,
              onSelect: () => setAsking(true),
            },
          ],
        ]}
      />
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={`Delete the skill ${name}?`}
        description="Its text is lost, and your chats cannot read it any more."
        verb="Delete skill"
        danger
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      />
    </li>
  )
}
