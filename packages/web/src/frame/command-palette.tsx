import { useQuery } from '@tanstack/react-query'
import { Command } from 'cmdk'
import {
  Bot,
  Gauge,
  KeyRound,
  LogOut,
  MessagesSquare,
  Monitor,
  Moon,
  Palette,
  Plus,
  Search,
  Settings,
  SquareTerminal,
  Sun,
  UserRound,
} from 'lucide-react'
import { Dialog as Primitive } from 'radix-ui'
import { type ReactNode, useState } from 'react'

import { useChangeLook } from '../appearance/use-look.ts'
import { chatSearchQuery } from '../chats/queries.ts'
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions, useSeveralOrganizations, useUser } from '../session/session.tsx'
import { useSignOut } from '../session/use-sign-out.ts'
import { useTasksEntry } from '../tasks/enabled.ts'
import { tasksQuery } from '../tasks/queries.ts'
import { taskLook, taskTitle } from '../tasks/task-look.ts'
import { templatesQuery } from '../templates/queries.ts'
import { ModalContent } from '../ui/modal.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { useSettled } from '../ui/use-settled.ts'
import { usersQuery } from '../users/queries.ts'
import { workspacesQuery } from '../workspaces/queries.ts'
import { workspaceLook } from '../workspaces/workspace-look.ts'
import { navigationItems } from './navigation.ts'

/** `Ctrl/Cmd+K`: pages, workspaces, templates and actions by name. */
export function CommandPalette({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  return (
    <Primitive.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
      <Primitive.Portal>
        <ModalContent
          aria-describedby={undefined}
          className="fixed left-1/2 top-[max(8vh,12px)] z-50 w-[calc(100vw-24px)] max-w-xl -translate-x-1/2 animate-fade overflow-hidden rounded-dialog border border-line bg-raised shadow-float"
        >
          <Primitive.Title className="sr-only">Search</Primitive.Title>
          <Entries onClose={onClose} />
        </ModalContent>
      </Primitive.Portal>
    </Primitive.Root>
  )
}

/** Mounted while the palette is open, so that nothing is fetched before (UI-5). */
function Entries({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('')
  const user = useUser()
  const go = useGo()
  const changeLook = useChangeLook()
  const signOut = useSignOut()
  const permissions = usePermissions()
  const several = useSeveralOrganizations()
  const tasksEntry = useTasksEntry()
  const { main, admin } = navigationItems(permissions, tasksEntry)
  const own = useQuery(workspacesQuery({ filter: 'owner:me', page: 1 })).data?.workspaces ?? []
  const templates = useQuery(templatesQuery('')).data ?? []
  // What is on no first page, or belongs to somebody else, is looked for by the server.
  const wanted = useSettled(text.replace(/[":]/g, ' ').trim(), SETTLE_MS)
  const searching = wanted.length >= SHORTEST
  const found = useQuery({
    ...workspacesQuery({ filter: wanted, page: 1 }),
    enabled: searching,
    refetchInterval: false,
  }).data?.workspaces
  const people = useQuery({
    ...usersQuery({ filter: wanted, page: 1 }),
    enabled: searching && permissions?.viewAllUsers === true,
  }).data?.users
  const chats = useQuery({
    ...chatSearchQuery(`search:"${wanted}"`),
    enabled: searching && permissions?.createChat === true,
  }).data?.slice(0, MOST_CHATS)
  const workspaces = searching
    ? [...new Map([...own, ...(found ?? [])].map((workspace) => [workspace.id, workspace])).values()]
    : own
  const tasks = useQuery({ ...tasksQuery('owner:me'), enabled: tasksEntry.offered && searching }).data?.tasks
  const open = (href: string) => () => {
    onClose()
    go(href)
  }
  const act = (action: () => void) => () => {
    onClose()
    action()
  }
  return (
    <Command label="Search" filter={rank} className="flex max-h-[min(70vh,520px)] flex-col">
      <div className="flex items-center gap-2.5 border-b border-line px-4">
        <Search className="size-4 shrink-0 text-ink-3" aria-hidden="true" />
        <Command.Input
          value={text}
          onValueChange={setText}
          placeholder="Search workspaces, pages and actions"
          className="h-12 w-full bg-transparent text-base outline-none"
        />
      </div>
      <Command.List className="min-h-0 flex-1 overflow-y-auto p-1.5">
        <Command.Empty className="px-3 py-8 text-center text-sm text-ink-2">
          Nothing is named “{text}”.
        </Command.Empty>
        {workspaces.length === 0 ? null : (
          <Group heading="Workspaces">
            {workspaces.map((workspace) => (
              <Entry
                key={workspace.id}
                id={`workspace ${workspace.owner_name}/${workspace.name}`}
                icon={<ThingIcon src={workspace.template_icon} className="size-4" />}
                onSelect={open(paths.workspace(workspace.owner_name, workspace.name))}
                end={<StateBadge look={workspaceLook(workspace)} className="text-xs" />}
                label={
                  workspace.owner_id === user.id
                    ? workspace.name
                    : `${workspace.owner_name}/${workspace.name}`
                }
              />
            ))}
            {/* Only for those who search: they would push everything else out of sight. */}
            {(text === '' ? [] : workspaces)
              .filter((workspace) => workspace.latest_build.status === 'running')
              .map((workspace) => (
                <Entry
                  key={`terminal ${workspace.id}`}
                  id={`terminal ${workspace.owner_name}/${workspace.name}`}
                  icon={<SquareTerminal className="size-4" strokeWidth={1.75} />}
                  onSelect={open(paths.terminal(workspace.owner_name, workspace.name))}
                  label={`Terminal in ${workspace.name}`}
                />
              ))}
          </Group>
        )}
        {!searching || tasks === undefined || tasks.length === 0 ? null : (
          <Group heading="Tasks">
            {tasks.map((task) => (
              <Entry
                key={task.id}
                id={`task ${task.name} ${task.display_name}`}
                icon={<Bot className="size-4" strokeWidth={1.75} />}
                onSelect={open(paths.task(task.owner_name, task.name))}
                end={<StateBadge look={taskLook(task)} className="text-xs" />}
                label={taskTitle(task)}
              />
            ))}
          </Group>
        )}
        {chats === undefined || chats.length === 0 ? null : (
          <Group heading="Chats">
            {chats.map((chat) => (
              <Entry
                key={chat.id}
                id={`chat ${chat.id} ${wanted}`}
                icon={<MessagesSquare className="size-4" strokeWidth={1.75} />}
                onSelect={open(paths.chat(chat.id))}
                label={chat.title}
              />
            ))}
          </Group>
        )}
        {!searching || people === undefined || people.length === 0 ? null : (
          <Group heading="Users">
            {people.map((person) => (
              <Entry
                key={person.id}
                id={`user ${person.username} ${person.name} ${person.email}`}
                icon={<UserRound className="size-4" strokeWidth={1.75} />}
                onSelect={open(paths.workspaces({ filter: `owner:${person.username}` }))}
                label={`Workspaces of ${person.username}`}
              />
            ))}
          </Group>
        )}
        {text === '' || templates.length === 0 ? null : (
          <Group heading="Templates">
            {templates.map((template) => (
              <Entry
                key={template.id}
                id={`template ${template.display_name} ${template.name}`}
                icon={<ThingIcon src={template.icon} className="size-4" />}
                onSelect={open(paths.template(template, several))}
                label={template.display_name === '' ? template.name : template.display_name}
              />
            ))}
          </Group>
        )}
        <Group heading="Go to">
          {[...main, ...admin].map(({ label, href, icon: Icon }) => (
            <Entry
              key={href}
              id={`page ${label}`}
              icon={<Icon className="size-4" strokeWidth={1.75} />}
              onSelect={open(href)}
              label={label}
            />
          ))}
          {SETTINGS.map(({ label, page, icon: Icon }) => (
            <Entry
              key={page}
              id={`settings ${label}`}
              icon={<Icon className="size-4" strokeWidth={1.75} />}
              onSelect={open(paths.settings(page))}
              label={label}
            />
          ))}
        </Group>
        {templates.length === 0 || permissions?.createWorkspace !== true ? null : (
          <Group heading="New workspace">
            {templates
              .filter((template) => !template.deprecated)
              .map((template) => (
                <Entry
                  key={template.id}
                  id={`new workspace from ${template.display_name} ${template.name}`}
                  icon={<Plus className="size-4" strokeWidth={1.75} />}
                  onSelect={open(paths.template(template, several, 'workspace'))}
                  label={`New workspace from ${template.display_name === '' ? template.name : template.display_name}`}
                />
              ))}
          </Group>
        )}
        <Group heading="Actions">
          <Entry
            id="theme light"
            icon={<Sun className="size-4" strokeWidth={1.75} />}
            onSelect={act(() => changeLook({ theme: 'light' }))}
            label="Light theme"
          />
          <Entry
            id="theme dark"
            icon={<Moon className="size-4" strokeWidth={1.75} />}
            onSelect={act(() => changeLook({ theme: 'dark' }))}
            label="Dark theme"
          />
          <Entry
            id="theme system"
            icon={<Monitor className="size-4" strokeWidth={1.75} />}
            onSelect={act(() => changeLook({ theme: 'system' }))}
            label="System theme"
          />
          <Entry
            id="sign out"
            icon={<LogOut className="size-4" strokeWidth={1.75} />}
            onSelect={act(signOut)}
            label={`Sign out ${user.username}`}
          />
        </Group>
      </Command.List>
    </Command>
  )
}

/** Every word has to be in the name; names that begin with the text come first. */
function rank(id: string, text: string, keywords: readonly string[] = []): number {
  const name = [...keywords, id].join(' ').toLowerCase()
  const wanted = text.toLowerCase().trim()
  if (!wanted.split(/\s+/).every((word) => name.includes(word))) return 0
  return name.startsWith(wanted) ? 1 : name.includes(` ${wanted}`) ? 0.8 : 0.5
}

/** Typing rests for so long before the server is asked, in milliseconds. */
const SETTLE_MS = 150
/** More are found by the search among agents. */
const MOST_CHATS = 6
/** One letter is in every name. */
const SHORTEST = 2

const SETTINGS = [
  { label: 'Your account', page: 'account', icon: UserRound },
  { label: 'Password', page: 'security', icon: Settings },
  { label: 'Appearance', page: 'appearance', icon: Palette },
  { label: 'SSH key', page: 'ssh-keys', icon: KeyRound },
  { label: 'Tokens', page: 'tokens', icon: KeyRound },
  { label: 'AI usage', page: 'ai', icon: Gauge },
] as const

function Group({ heading, children }: { readonly heading: string; readonly children: ReactNode }) {
  return (
    <Command.Group
      heading={heading}
      className="[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:pt-2.5 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:font-medium [&_[cmdk-group-heading]]:text-ink-3"
    >
      {children}
    </Command.Group>
  )
}

function Entry({
  id,
  icon,
  end,
  onSelect,
  label,
}: {
  readonly id: string
  readonly label: string
  readonly icon: ReactNode
  readonly end?: ReactNode
  readonly onSelect: () => void
}) {
  return (
    <Command.Item
      value={id}
      keywords={[label]}
      onSelect={onSelect}
      className="flex h-9 cursor-default select-none items-center gap-2.5 rounded-control px-2.5 text-sm text-ink data-[selected=true]:bg-accent-wash pointer-coarse:h-11"
    >
      <span className="text-ink-2">{icon}</span>
      <span className="min-w-0 flex-1 truncate">{label}</span>
      {end}
    </Command.Item>
  )
}
