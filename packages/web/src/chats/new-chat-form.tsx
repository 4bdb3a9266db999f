import { Box } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'

import type { ChatUserModelOverrides, Organization } from '@slipway/contract'
import type { ComposerHandle } from '../chat-conversation/conversation-context.ts'
import { draftName, readDraft, writeDraft } from '../chat-conversation/drafts.ts'
import { Composer } from '../chat-conversation/index.ts'
import { ModelPicker } from '../chat-conversation/model-picker.tsx'
import { useSkillCommands } from '../chat-conversation/use-skill-commands.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { OrganizationAutocomplete } from '../organizations/organization-autocomplete.tsx'
import { useUser } from '../session/session.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import type { ModelOffer } from './model-choice.ts'
import { readMemory, remember } from './new-chat-memory.ts'
import { Picker } from './picker.tsx'
import { ServerChips } from './server-chips.tsx'
import { STARTS_CHATS } from './starts-chats.ts'
import { Suggestions } from './suggestions.tsx'
import { useChosenServers } from './use-chosen-servers.ts'
import { useModelChoice } from './use-model-choice.ts'
import { useStartChat } from './use-start-chat.ts'
import { useWorkspaceChoice } from './use-workspace-choice.ts'

interface NewChatFormProps {
  readonly organizations: readonly Organization[]
  readonly offers: readonly ModelOffer[]
  readonly own: ChatUserModelOverrides | undefined
}

const DRAFT = 'new'

/** The first message of a chat, and where and with what the agent works (UI-1111). */
export function NewChatForm({ organizations, offers, own }: NewChatFormProps) {
  const user = useUser()
  const online = useOnline()
  const [memory] = useState(() => readMemory(user.id))
  const [chosen, setChosen] = useState(memory.organization)
  const [moving, setMoving] = useState<Organization>()
  const [plan, setPlan] = useState(false)
  const composer = useRef<ComposerHandle>(null)
  const organization =
    organizations.find(({ id }) => id === chosen) ??
    organizations.find(({ is_default: usual }) => usual) ??
    organizations[0]
  const workspace = useWorkspaceChoice(organization, memory.workspaces)
  const servers = useChosenServers(organization?.id)
  const { model, effort, setModel, setEffort } = useModelChoice(offers, own)
  const start = useStartChat()
  const skills = useSkillCommands(undefined)
  const draft = draftName(user.id, DRAFT)
  // One that was chosen and lost is not taken again by itself when it comes back, and its files go with it (UI-1112).
  const lost = chosen !== undefined && organization?.id !== chosen
  const [losses, setLosses] = useState(0)
  useEffect(() => {
    if (!lost) return
    writeDraft(draft, { ...readDraft(draft), files: [] })
    remember(user.id, { organization: undefined })
    setChosen(undefined)
    setLosses((before) => before + 1)
  }, [lost, draft, user.id])
  const move = (next: Organization) => {
    // Files belong to the organization that they were uploaded to.
    writeDraft(draft, { ...readDraft(draft), files: [] })
    setChosen(next.id)
    remember(user.id, { organization: next.id })
    setMoving(undefined)
  }
  return (
    <div className="flex flex-col gap-5">
      <div className="flex flex-wrap items-end justify-between gap-x-4 gap-y-3">
        <h2 className="text-2xl font-semibold tracking-[-0.018em]">What should be done?</h2>
        {organizations.length > 1 ? (
          <div className="w-60 max-w-full">
            <OrganizationAutocomplete
              label="Organization"
              required
              question={STARTS_CHATS}
              value={organization}
              onChange={(next) => {
                if (next === undefined || next.id === organization?.id) return
                if (readDraft(draft).files.length > 0) setMoving(next)
                else move(next)
              }}
            />
          </div>
        ) : null}
      </div>
      <div className="[&_textarea]:min-h-24">
        <Composer
          key={`${organization?.id} ${losses}`}
          ref={composer}
          draftKey={DRAFT}
          organizationId={organization?.id}
          workspaceId={workspace.id === '' ? undefined : workspace.id}
          label="First message"
          placeholder="Describe the change, the question, or the failure"
          autoFocus={!window.matchMedia('(pointer: coarse)').matches}
          blocked={
            online
              ? workspace.settled
                ? undefined
                : workspace.failed
                  ? 'The workspace could not be looked for: choose again'
                  : 'The workspace is being looked for'
              : 'The server cannot be reached'
          }
          planMode={{ on: plan, onChange: setPlan }}
          menu={[servers.items]}
          commands={skills.commands}
          commandsLoading={skills.loading}
          modelPicker={
            <>
              <Picker
                label="Workspace"
                icon={<Box className="size-3.5 shrink-0 opacity-70" strokeWidth={1.75} aria-hidden="true" />}
                text={workspace.text}
                value={workspace.id}
                groups={workspace.groups}
                searchable={workspace.count > 6}
                onChoose={workspace.choose}
                footer={workspace.footer}
              />
              <ModelPicker value={model?.id} onChange={setModel} effort={effort} onEffort={setEffort} />
            </>
          }
          chips={<ServerChips servers={servers.chosen} onRemove={servers.toggle} />}
          onSubmit={async ({ content }) => {
            if (organization === undefined) return
            await start({
              organization_id: organization.id,
              content: [...content],
              ...(workspace.id === '' ? {} : { workspace_id: workspace.id }),
              ...(model === undefined ? {} : { model_config_id: model.id }),
              ...(effort === undefined ? {} : { reasoning_effort: effort }),
              ...(servers.ids.length === 0 ? {} : { mcp_server_ids: [...servers.ids] }),
              ...(plan ? { plan_mode: 'plan' } : {}),
            })
          }}
        />
      </div>
      <Suggestions onChoose={(text) => composer.current?.insert(text)} />
      <ConfirmDialog
        open={moving !== undefined}
        onClose={() => setMoving(undefined)}
        title="Change the organization?"
        description="Attached files belong to the organization, and are taken off the message."
        verb="Change"
        busy={false}
        error={null}
        onConfirm={() => (moving === undefined ? undefined : move(moving))}
      />
    </div>
  )
}
