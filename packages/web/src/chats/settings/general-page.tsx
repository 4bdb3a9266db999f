import { useMutation, useQuery } from '@tanstack/react-query'

import { updateChatUserPrompt } from '@slipway/contract'
import { api, queries } from '../../api/client.ts'
import { ChatHabits } from '../../appearance/chat-habits.tsx'
import { PushSection } from '../../push/push-section.tsx'
import { Section } from '../../ui/page.tsx'
import { toasts } from '../../ui/toast.tsx'
import { Together } from '../../ui/together.tsx'
import { DeviceSection } from './device-section.tsx'
import { LongTextForm } from './long-text-form.tsx'
import { ownPromptQuery } from './queries.ts'
import { SettingState } from './setting-state.tsx'

/** `/agents/settings/general`: what every chat is told, and how chats are written and shown. */
export function GeneralPage() {
  const prompt = useQuery(ownPromptQuery)
  const save = useMutation({
    mutationFn: ({ text }: { readonly text: string; readonly done: () => void }) =>
      api.call(updateChatUserPrompt, { body: { custom_prompt: text } }),
    onSuccess: (saved, { done }) => {
      queries.setQueryData(ownPromptQuery.queryKey, saved)
      done()
      toasts.done('Your instructions were saved')
    },
  })
  return (
    <Together queries={[prompt]}>
      <div className="flex flex-col gap-4">
        <Section
          title="Your instructions"
          help="Agents read them at the beginning of every chat of yours, after those of the deployment."
        >
          <SettingState query={prompt} failure="Your instructions could not be read">
            {({ custom_prompt: saved }) => (
              <LongTextForm
                label="Instructions"
                help="Chats that have begun keep what they were told."
                placeholder="Answer in short. Prefer small commits, and run the tests before you say that something works."
                saved={saved}
                what="your instructions"
                busy={save.isPending}
                error={save.error}
                onSave={(text, done) => save.mutate({ text, done })}
              />
            )}
          </SettingState>
        </Section>
        <ChatHabits />
        <PushSection />
        <DeviceSection />
      </div>
    </Together>
  )
}
