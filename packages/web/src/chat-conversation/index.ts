export { Composer } from './composer.tsx'
export { ConversationPane } from './conversation-pane.tsx'
export { GitPanel } from './git-panel.tsx'
