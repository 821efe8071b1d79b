// The rival: crosspost posts each text to two webhooks, one text after the other, keeping no record of any.
//
//     node crosspost.mjs FOLDER ADDRESS POSTS WAVES
//
// FOLDER holds node_modules with @humanwhocodes/crosspost. Prints one JSON list: for each wave its posts to a target
// per second.
import { pathToFileURL } from "node:url";

const [folder, address, posts, waves] = process.argv.slice(2);
const found = `${folder}/node_modules/@humanwhocodes/crosspost/dist/index.js`;
const { Client, DiscordWebhookStrategy } = await import(pathToFileURL(found));

const strategies = ["c0", "c1"].map((name) => new DiscordWebhookStrategy({ webhookUrl: `${address}/${name}` }));
const client = new Client({ strategies });
const rates = [];
for (let wave = 0; wave < Number(waves); wave++) {
    const began = performance.now();
    for (let post = 0; post < Number(posts); post++) {
        const said = await client.post(`What residents should know, number ${wave}/${post}, in the words of the city.`);
        if (!said.every((each) => each.ok)) throw said.find((each) => !each.ok).reason;
    }
    rates.push((2 * Number(posts)) / ((performance.now() - began) / 1000));
}
console.log(JSON.stringify(rates));
