import { List, Radio, Group, Select, TagsInput, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api, bodyOf } from '../../api/client';
import { Act, Dialog } from '../../parts/dialog';
import { ScreenLink } from '../../parts/link';
import { useMyDevices } from '../../parts/my-devices';
import { useOnce } from '../../parts/once';
import { ScopedButton } from '../../parts/scoped';
import { Warnings } from '../../parts/warnings';
import { texts } from '../../texts/texts';
import type { Campaign } from './read-campaigns';

/** Sends the saved campaign to named devices or users at once. A test is no run and counts for none. */
export function TestSend({ app, campaign }: { app: string; campaign: Campaign }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <ScopedButton needs="campaigns.write" applicationId={app} variant="default" onClick={() => setOpen(true)}>
        {texts.editor.test.open}
      </ScopedButton>
      {isOpen && (
        <Dialog title={texts.editor.test.title} close={() => setOpen(false)}>
          <TestForm app={app} campaign={campaign} close={() => setOpen(false)} />
        </Dialog>
      )}
    </>
  );
}

const BETWEEN_IDS = [',', ';', ' ', '\n'];

function TestForm({ app, campaign, close }: { app: string; campaign: Campaign; close: () => void }) {
  const words = texts.editor.test;
  const { campaignId, split = [] } = campaign;
  const [kind, setKind] = useState<'devices' | 'users'>('devices');
  const [deviceIds, keepDevices] = useMyDevices(app);
  const [userIds, setUserIds] = useState<string[]>([]);
  const [variant, setVariant] = useState('');
  const ids = kind === 'devices' ? deviceIds : userIds;
  const once = useOnce();
  const testing = useMutation({
    mutationFn: () => {
      const body = { ...(kind === 'devices' ? { deviceIds } : { userIds }), ...(variant && { variant }) };
      const header = { 'Idempotency-Key': once.keyOf(body) };
      const path = { applicationId: app, campaignId };
      return bodyOf(
        api.POST('/imfpush/v1/apps/{applicationId}/campaigns/{campaignId}/test', { params: { path, header }, body }),
      );
    },
    onSuccess: once.answered,
  });
  return (
    <Act
      close={close}
      keep={texts.close}
      of={testing}
      act={() => testing.mutate()}
      label={words.send}
      disabled={ids.length === 0}
    >
      <Text size="sm">{words.lead}</Text>
      <Radio.Group label={words.to} value={kind} onChange={(next) => setKind(next)}>
        <Group mt={6}>
          <Radio value="devices" label={texts.audience.kinds.devices} />
          <Radio value="users" label={texts.audience.kinds.users} />
        </Group>
      </Radio.Group>
      <TagsInput
        label={texts.audience.kinds[kind]}
        description={kind === 'devices' ? texts.send.mine.hint : texts.audience.ids}
        maxTags={20}
        splitChars={BETWEEN_IDS}
        value={ids}
        onChange={kind === 'devices' ? keepDevices : setUserIds}
      />
      {split.length > 0 && (
        <Select
          label={texts.editor.variant}
          data={[{ value: '', label: texts.editor.allVariants }, ...split.map(({ name }) => name)]}
          value={variant}
          onChange={(next) => setVariant(next ?? '')}
          allowDeselect={false}
        />
      )}
      <div role="status">
        {testing.data?.messages.length === 0 && <Text size="sm">{words.none}</Text>}
        <List size="sm">
          {testing.data?.messages.map(({ messageId, variant: of, language, audience }) => (
            <List.Item key={messageId}>
              {words.sent(audience)}{' '}
              <ScreenLink to="/apps/$app/messages/$message" params={{ app, message: messageId }}>
                {[of, language].filter(Boolean).join(' · ') || texts.send.mine.watch}
              </ScreenLink>
            </List.Item>
          ))}
        </List>
        <Warnings warnings={testing.data?.warningDetails ?? []} />
      </div>
    </Act>
  );
}
