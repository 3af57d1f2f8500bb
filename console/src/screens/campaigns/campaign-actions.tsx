import { Button, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, bodyOf, versionOf } from '../../api/client';
import { Act, Dialog } from '../../parts/dialog';
import { useOnce } from '../../parts/once';
import { newKey } from '../../parts/random';
import { RemoveDialog } from '../../parts/remove-dialog';
import { ScopedButton, useMay } from '../../parts/scoped';
import { Failing } from '../../parts/states';
import { texts } from '../../texts/texts';
import { campaignsKey } from './read-campaigns';
import type { Campaign } from './read-campaigns';
import { TestSend } from './test-send';

const ONE = '/imfpush/v1/apps/{applicationId}/campaigns/{campaignId}';
type Verb = 'activate' | 'pause' | 'resume';

/** The acts that each state allows. Runs and removals are asked for once more. */
export function CampaignActions({ app, campaign }: { app: string; campaign: Campaign }) {
  const { campaignId, state } = campaign;
  const queries = useQueryClient();
  const navigate = useNavigate();
  const params = { path: { applicationId: app, campaignId } };
  const refresh = (): void => void queries.invalidateQueries({ queryKey: campaignsKey(app) });
  const changing = useMutation({
    mutationFn: (verb: Verb) => bodyOf(api.POST(`${ONE}/${verb}`, { params })),
    onSettled: refresh,
  });
  // Of the revision that is on the screen: a change meanwhile is refused, and read again.
  const approving = useMutation({
    mutationFn: () => bodyOf(api.POST(`${ONE}/approve`, { params, body: { revision: campaign.revision ?? '' } })),
    onSettled: refresh,
  });
  const once = useOnce();
  const copying = useMutation({
    mutationFn: () => {
      const header = { 'Idempotency-Key': once.keyOf(campaignId) };
      return bodyOf(api.POST(`${ONE}/duplicate`, { params: { ...params, header }, body: {} }));
    },
    onSuccess: (copy) => {
      once.answered();
      return navigate({ to: '/apps/$app/campaigns/$campaign', params: { app, campaign: copy.campaignId } });
    },
    onSettled: refresh,
  });
  const error = changing.error ?? approving.error ?? copying.error;
  const verb: Verb = state === 'active' ? 'pause' : state === 'paused' ? 'resume' : 'activate';
  const mayWrite = useMay('campaigns.write', app);
  const scoped = { needs: 'campaigns.write', applicationId: app };
  return (
    <>
      {state === 'awaitingApproval' ? (
        <ScopedButton
          needs="campaigns.approve"
          applicationId={app}
          loading={approving.isPending}
          onClick={() => approving.mutate()}
        >
          {texts.campaigns.approve}
        </ScopedButton>
      ) : (
        <ScopedButton
          {...scoped}
          needs={verb === 'activate' ? 'campaigns.write' : ['campaigns.control', 'campaigns.write']}
          loading={changing.isPending}
          onClick={() => changing.mutate(verb)}
        >
          {texts.campaigns.verbs[verb]}
        </ScopedButton>
      )}
      <Button
        variant="default"
        onClick={() =>
          void navigate({ to: '/apps/$app/campaigns/$campaign/edit', params: { app, campaign: campaignId } })
        }
      >
        {mayWrite ? texts.campaigns.edit : texts.editor.look}
      </Button>
      <TestSend app={app} campaign={campaign} />
      <RunNow app={app} campaign={campaign} onDone={refresh} />
      <ScopedButton {...scoped} variant="default" loading={copying.isPending} onClick={() => copying.mutate()}>
        {texts.campaigns.copy}
      </ScopedButton>
      <Remove app={app} campaign={campaign} />
      {error && <Failing error={error} />}
    </>
  );
}

/** One key for one opened dialog: a second click, or a click after a lost answer, fires no second run. */
function RunNow({ app, campaign, onDone }: { app: string; campaign: Campaign; onDone: () => void }) {
  const [key, setKey] = useState<string | null>(null);
  const navigate = useNavigate();
  const { campaignId } = campaign;
  const running = useMutation({
    mutationFn: (idempotencyKey: string) =>
      bodyOf(
        api.POST(`${ONE}/run`, {
          params: { path: { applicationId: app, campaignId }, header: { 'Idempotency-Key': idempotencyKey } },
        }),
      ),
    onSuccess: ({ runId }) => {
      setKey(null);
      onDone();
      void navigate({
        to: '/apps/$app/campaigns/$campaign',
        params: { app, campaign: campaignId },
        search: { run: Number(runId) },
      });
    },
  });
  const open = (): void => {
    running.reset();
    setKey(newKey());
  };
  return (
    <>
      <ScopedButton needs="campaigns.write" applicationId={app} variant="default" onClick={open}>
        {texts.campaigns.runNow}
      </ScopedButton>
      {key !== null && (
        <Dialog title={texts.campaigns.runTitle(campaign.name)} close={() => setKey(null)}>
          <Act close={() => setKey(null)} of={running} act={() => running.mutate(key)} label={texts.campaigns.runNow}>
            <Text size="sm">{texts.campaigns.runLead}</Text>
          </Act>
        </Dialog>
      )}
    </>
  );
}

function Remove({ app, campaign }: { app: string; campaign: Campaign }) {
  const [isOpen, setOpen] = useState(false);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const path = { applicationId: app, campaignId: campaign.campaignId };
  const remove = (cancel: 'true' | 'false') => (etag: string) =>
    bodyOf(api.DELETE(ONE, { params: { path, query: { cancel }, header: { 'If-Match': etag } } }));
  return (
    <>
      <ScopedButton needs="campaigns.write" applicationId={app} variant="default" onClick={() => setOpen(true)}>
        {texts.campaigns.remove}
      </ScopedButton>
      {isOpen && (
        <RemoveDialog
          title={texts.campaigns.removeTitle(campaign.name)}
          label={texts.campaigns.remove}
          hint={texts.campaigns.removeLead}
          close={() => setOpen(false)}
          queryKey={[...campaignsKey(app), campaign.campaignId]}
          read={() => versionOf(api.GET(ONE, { params: { path } }))}
          remove={remove('false')}
          other={{ label: texts.campaigns.removeAndCancel, remove: remove('true') }}
          onRemoved={async () => {
            await navigate({ to: '/apps/$app/campaigns', params: { app } });
            queries.removeQueries({ queryKey: [...campaignsKey(app), campaign.campaignId] });
            await queries.invalidateQueries({ queryKey: campaignsKey(app) });
          }}
        />
      )}
    </>
  );
}
