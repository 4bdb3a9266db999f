import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import {
  type ChatSystemPrompt,
  updateChatPlanModeInstructions,
  updateChatSystemPrompt,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { LongTextForm } from '../chats/settings/long-text-form.tsx'
import { SettingState } from '../chats/settings/setting-state.tsx'
import { LabelledToggle } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { Together } from '../ui/together.tsx'
import { SettingsPage } from './settings-page.tsx'
import { planInstructionsQuery, systemPromptQuery } from './settings-queries.ts'

/** `/ai/settings/instructions`: what every agent is told (CH-5.1). */
export function InstructionsPage() {
  return (
    <SettingsPage title="Instructions" context="What every agent is told before its owner writes anything">
      <Content />
    </SettingsPage>
  )
}

function Content() {
  const prompt = useQuery(systemPromptQuery)
  const plan = useQuery(planInstructionsQuery)
  const savePlan = useMutation({
    mutationFn: ({ text }: { readonly text: string; readonly done: () => void }) =>
      api.call(updateChatPlanModeInstructions, { body: { plan_mode_instructions: text } }),
    onSuccess: async (_, { done }) => {
      await queries.invalidateQueries({ queryKey: planInstructionsQuery.queryKey })
      done()
      toasts.done('The instructions for planning were saved')
    },
  })
  return (
    <Together queries={[prompt, plan]}>
      <Notice tone="info" title="Changes apply to new chats, and are recorded in the audit log">
        Existing chats keep the instructions they started with.
      </Notice>
      <Section title="System prompt">
        <SettingState query={prompt} failure="The system prompt could not be read">
          {(saved) => <SystemPrompt saved={saved} />}
        </SettingState>
      </Section>
      <Section title="Plan mode" help="In addition to the system prompt, while a chat is in plan mode.">
        <SettingState query={plan} failure="The instructions for planning could not be read">
          {({ plan_mode_instructions: saved }) => (
            <LongTextForm
              label="Instructions for planning"
              help="Leave empty to use the built-in ones."
              rows={6}
              saved={saved}
              what="the instructions for planning"
              busy={savePlan.isPending}
              error={savePlan.error}
              onSave={(text, done) => savePlan.mutate({ text, done })}
            />
          )}
        </SettingState>
      </Section>
    </Together>
  )
}

function SystemPrompt({ saved }: { readonly saved: ChatSystemPrompt }) {
  const [included, setIncluded] = useState<boolean>()
  const [shown, setShown] = useState(false)
  const include = included ?? saved.include_default_system_prompt
  const save = useMutation({
    mutationFn: ({ text }: { readonly text: string; readonly done: () => void }) =>
      api.call(updateChatSystemPrompt, {
        body: { system_prompt: text, include_default_system_prompt: include },
      }),
    onSuccess: async (_, { done }) => {
      await queries.invalidateQueries({ queryKey: systemPromptQuery.queryKey })
      setIncluded(undefined)
      done()
      toasts.done('The system prompt was saved')
    },
  })
  return (
    <LongTextForm
      label="Your instructions"
      help="House rules: languages, conventions, what never to touch. May be left empty."
      saved={saved.system_prompt}
      what="the system prompt"
      busy={save.isPending}
      error={save.error}
      extraChanged={include !== saved.include_default_system_prompt}
      onDiscard={() => setIncluded(undefined)}
      onSave={(text, done) => save.mutate({ text, done })}
      extra={
        <div className="flex flex-col gap-3">
          <LabelledToggle
            kind="switch"
            label="Start with the built-in prompt"
            help="It explains how to use tools and workspaces, and yours follows it. Without it, yours must explain that."
            checked={include}
            onChange={setIncluded}
          />
          <div>
            <button
              type="button"
              aria-expanded={shown}
              onClick={() => setShown(!shown)}
              className="link text-sm"
            >
              {shown ? 'Hide the built-in prompt' : 'Show the built-in prompt'}
            </button>
            {shown ? (
              <pre
                // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
                tabIndex={0}
                className="mt-2 max-h-80 overflow-auto whitespace-pre-wrap rounded-control border border-line bg-bg px-3 py-2 text-xs leading-relaxed"
              >
                {saved.default_system_prompt}
              </pre>
            ) : null}
          </div>
        </div>
      }
    />
  )
}
