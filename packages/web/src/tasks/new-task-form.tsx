import { useQuery } from '@tanstack/react-query'
import { GitCommitHorizontal, SlidersHorizontal } from 'lucide-react'
import { useState } from 'react'

import { createTask, type Template } from '@slipway/contract'
import { api } from '../api/client.ts'
import { Composer } from '../chat-conversation/index.ts'
import { Picker } from '../chats/picker.tsx'
import { useOnline } from '../frame/connection-banner.tsx'
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useSeveralOrganizations, useUser } from '../session/session.tsx'
import { useCheck } from '../session/use-check.ts'
import { presetsQuery, templateTitle, versionsQuery } from '../templates/queries.ts'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { RequiredConnections, useRequiredConnections } from '../workspaces/required-connections.tsx'
import { refreshTasks } from './queries.ts'
import { readUsualTemplate, rememberTemplate } from './usual-template.ts'

const DRAFT = 'task-new'
/** More of them are looked through by name. */
const MANY = 6
/** The choice of no preset. */
const NO_PRESET = 'none'

/**
 * What should be done, and with which template (UI-1201). The server makes up the name.
 *
 * @param wanted name of a template that the address asks for
 */
export function NewTaskForm({
  templates,
  wanted,
}: {
  /** Those that make tasks, one at least. */
  readonly templates: readonly [Template, ...Template[]]
  readonly wanted: string | undefined
}) {
  const user = useUser()
  const [chosen, setChosen] = useState(() => readUsualTemplate(user.id))
  const template =
    templates.find(({ id, name }) => (wanted === undefined ? id === chosen : name === wanted)) ?? templates[0]
  return (
    <Form
      key={template.id}
      template={template}
      templates={templates}
      onTemplate={(id) => {
        rememberTemplate(user.id, id)
        setChosen(id)
      }}
    />
  )
}

function Form({
  template,
  templates,
  onTemplate,
}: {
  readonly template: Template
  readonly templates: readonly Template[]
  readonly onTemplate: (id: string) => void
}) {
  const user = useUser()
  const go = useGo()
  const online = useOnline()
  const several = useSeveralOrganizations()
  const [version, setVersion] = useState(template.active_version_id)
  const [preset, setPreset] = useState<string>()
  const connections = useRequiredConnections(version, user.id)
  const presets = useQuery(presetsQuery(version)).data ?? []
  const usual = presets.find(({ Default }) => Default)
  const presetId = preset === NO_PRESET ? undefined : (presets.find(({ ID }) => ID === preset) ?? usual)?.ID
  const missing = connections.missing.map(({ display_name: title }) => title)
  return (
    <div className="flex flex-col gap-3">
      <div className="[&_textarea]:min-h-20">
        <Composer
          draftKey={DRAFT}
          organizationId={undefined}
          label="Prompt"
          placeholder="Describe what should be done"
          blocked={
            !online
              ? 'The server cannot be reached'
              : missing.length > 0
                ? `Connect ${missing.join(' and ')} first`
                : undefined
          }
          modelPicker={
            <>
              <Picker
                label="Template"
                icon={<ThingIcon src={template.icon} className="size-3.5" />}
                text={templateTitle(template)}
                value={template.id}
                groups={[
                  {
                    title: '',
                    options: templates.map((one) => ({
                      id: one.id,
                      label: templateTitle(one),
                      note: several ? one.organization_display_name : one.description,
                      icon: <ThingIcon src={one.icon} className="size-4" />,
                    })),
                  },
                ]}
                searchable={templates.length > MANY}
                onChoose={onTemplate}
              />
              <VersionPicker
                template={template}
                value={version}
                onChoose={(id) => {
                  setVersion(id)
                  setPreset(undefined)
                }}
              />
              {presets.length === 0 ? null : (
                <Picker
                  label="Preset"
                  icon={<SlidersHorizontal className="size-3.5 shrink-0 opacity-70" strokeWidth={1.75} />}
                  text={presets.find(({ ID }) => ID === presetId)?.Name ?? 'No preset'}
                  value={presetId ?? NO_PRESET}
                  groups={[
                    {
                      title: '',
                      options: [
                        ...presets.map(({ ID, Name, Description }) => ({
                          id: ID,
                          label: Name,
                          note: Description,
                        })),
                        { id: NO_PRESET, label: 'No preset' },
                      ],
                    },
                  ]}
                  searchable={presets.length > MANY}
                  onChoose={setPreset}
                />
              )}
            </>
          }
          onSubmit={async ({ text }) => {
            const task = await api.call(createTask, {
              params: { user: 'me' },
              body: {
                template_version_id: version,
                ...(presetId === undefined ? {} : { template_version_preset_id: presetId }),
                input: text,
              },
            })
            refreshTasks()
            go(paths.task(task.owner_name, task.name))
          }}
        />
      </div>
      {missing.length === 0 && connections.error === null ? null : (
        <RequiredConnections connections={connections} owner={user} />
      )}
    </div>
  )
}

/** Another version than the active one, for those who make them (UI-1201). */
function VersionPicker({
  template,
  value,
  onChoose,
}: {
  readonly template: Template
  readonly value: string
  readonly onChoose: (id: string) => void
}) {
  const may = useCheck('update', {
    resource_type: 'template',
    resource_id: template.id,
    organization_id: template.organization_id,
  })
  const versions = useQuery({ ...versionsQuery(template.id, false), enabled: may === true }).data
  const usable = versions?.filter(
    ({ id, job }) => job.status === 'succeeded' || id === template.active_version_id,
  )
  if (may !== true || usable === undefined || usable.length < 2) return null
  return (
    <Picker
      label="Version"
      icon={<GitCommitHorizontal className="size-3.5 shrink-0 opacity-70" strokeWidth={1.75} />}
      text={usable.find(({ id }) => id === value)?.name ?? 'Active version'}
      value={value}
      groups={[
        {
          title: '',
          options: usable.map(({ id, name, message }) => ({
            id,
            label: name,
            note: id === template.active_version_id ? 'active' : message,
          })),
        },
      ]}
      searchable={usable.length > MANY}
      onChoose={onChoose}
    />
  )
}
