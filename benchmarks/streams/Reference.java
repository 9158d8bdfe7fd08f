import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.LocalDate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The benchmark's reference job in Kafka Streams: an event counts once by (source, id), the two events of a
 * case are joined, and 38 counts and exact sums are kept per unit and month of Asia/Shanghai. Prints "warm" and "done" with the count and the
 * milliseconds when the committed output holds so many events, then a line "unit|month n n n ..." per cell.
 *
 * <p>Arguments: bootstrap input output application interval_ms threads warm all limit_s.
 */
public final class Reference {
    private static final String SEEN = "seen";
    private static final String CASES = "cases";
    private static final byte[] PRESENT = {1};
    private static final int LEVY = 0;
    private static final int SERVICE = 13;
    private static final int FOUND = 26;
    private static final int ANSWERED = 30;
    private static final int DUE = 32;
    private static final int MET = 35;
    private static final int SLOTS = 38;
    private static final List<String> CHANNELS = List.of("hall", "web", "phone", "app");
    private static final List<String> LEVELS = List.of("high", "middle", "low");

    private Reference() {}

    public static void main(String[] words) throws Exception {
        long warm = Long.parseLong(words[6]);
        long all = Long.parseLong(words[7]);
        long limitMs = 1000 * Long.parseLong(words[8]);
        try (KafkaStreams streams = new KafkaStreams(topology(words[1], words[2]), settings(words));
                KafkaConsumer<String, byte[]> output = new KafkaConsumer<>(reader(words[0]))) {
            streams.start();
            output.assign(output.partitionsFor(words[2]).stream()
                    .map(part -> new TopicPartition(part.topic(), part.partition()))
                    .toList());
            output.seekToBeginning(output.assignment());
            follow(output, warm, all, limitMs).forEach(Reference::print);
        }
    }

    static Topology topology(String input, String output) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(Stores.keyValueStoreBuilder(
                Stores.inMemoryKeyValueStore(SEEN), Serdes.Bytes(), Serdes.ByteArray()));
        builder.addStateStore(Stores.keyValueStoreBuilder(
                Stores.inMemoryKeyValueStore(CASES), Serdes.String(), Serdes.String()));
        builder.stream(input, Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
                .process(Count::new, SEEN, CASES)
                .groupByKey(Grouped.with("cell", Serdes.String(), Serdes.ByteArray()))
                .aggregate(
                        () -> new byte[8 * SLOTS],
                        (cell, change, sums) -> add(sums, change),
                        Materialized.<String, byte[]>as(Stores.inMemoryKeyValueStore("sums"))
                                .withKeySerde(Serdes.String())
                                .withValueSerde(Serdes.ByteArray())
                                .withCachingEnabled())
                .toStream()
                .to(output, Produced.with(Serdes.String(), Serdes.ByteArray()));
        return builder.build();
    }

    private static Properties settings(String[] words) {
        Properties found = new Properties();
        found.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, words[0]);
        found.put(StreamsConfig.APPLICATION_ID_CONFIG, words[3]);
        found.put(StreamsConfig.STATE_DIR_CONFIG, System.getProperty("java.io.tmpdir"));
        found.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        found.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, words[4]);
        found.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, words[5]);
        found.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, "1");
        found.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        found.put(StreamsConfig.producerPrefix("compression.type"), "lz4");
        return found;
    }

    private static Properties reader(String bootstrap) {
        Properties found = new Properties();
        found.put("bootstrap.servers", bootstrap);
        found.put("isolation.level", "read_committed");
        found.put("enable.auto.commit", "false");
        found.put("key.deserializer", StringDeserializer.class.getName());
        found.put("value.deserializer", ByteArrayDeserializer.class.getName());
        return found;
    }

    /** Read what is committed until it holds all events; the newest value of a cell is the one that stands. */
    private static Map<String, byte[]> follow(
            KafkaConsumer<String, byte[]> output, long warm, long all, long limitMs) {
        Map<String, byte[]> cells = new TreeMap<>();
        long until = System.currentTimeMillis() + limitMs;
        boolean isWarm = false;
        for (long held = 0; held < all; ) {
            if (System.currentTimeMillis() > until) {
                throw new IllegalStateException("The output holds " + held + " of " + all + " events");
            }
            for (ConsumerRecord<String, byte[]> record : output.poll(Duration.ofMillis(20))) {
                cells.put(record.key(), record.value());
            }
            held = cells.values().stream().mapToLong(Reference::events).sum();
            if (!isWarm && held >= warm) {
                isWarm = true;
                tell("warm", held);
            }
        }
        tell("done", all);
        return cells;
    }

    private static void tell(String what, long held) {
        System.out.println(what + " " + held + " " + System.nanoTime() / 1_000_000);
        System.out.flush();
    }

    private static void print(String cell, byte[] sums) {
        StringBuilder line = new StringBuilder(cell);
        ByteBuffer values = ByteBuffer.wrap(sums);
        while (values.hasRemaining()) {
            line.append(' ').append(values.getLong());
        }
        System.out.println(line);
    }

    private static long events(byte[] sums) {
        ByteBuffer values = ByteBuffer.wrap(sums);
        return values.getLong(8 * LEVY)
                + values.getLong(8 * SERVICE)
                + values.getLong(8 * FOUND)
                + values.getLong(8 * ANSWERED);
    }

    /** Add a change: a list of (slot, amount), nine bytes each. */
    private static byte[] add(byte[] sums, byte[] change) {
        byte[] next = sums.clone();
        ByteBuffer values = ByteBuffer.wrap(next);
        for (ByteBuffer left = ByteBuffer.wrap(change); left.hasRemaining(); ) {
            int at = 8 * left.get();
            values.putLong(at, values.getLong(at) + left.getLong());
        }
        return next;
    }

    /** Lets an event pass once, as what it changes in the cells of its unit. */
    private static final class Count implements Processor<byte[], byte[], String, byte[]> {
        private final JsonFactory json = new JsonFactory();
        private final Map<String, String> months = new HashMap<>();
        private ProcessorContext<String, byte[]> context;
        private KeyValueStore<Bytes, byte[]> seen;
        private KeyValueStore<String, String> cases;

        @Override
        public void init(ProcessorContext<String, byte[]> given) {
            context = given;
            seen = given.getStateStore(SEEN);
            cases = given.getStateStore(CASES);
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            Event event = Event.read(json, record.value());
            Bytes key = Bytes.wrap((event.source + "\0" + event.id).getBytes(StandardCharsets.UTF_8));
            if (seen.putIfAbsent(key, PRESENT) != null) {
                return;
            }
            forward(event, event.time, event.change(), record.timestamp());
            if (event.isFound()) {
                forward(event, event.deadline, byLevel(DUE, event.level), record.timestamp());
                joined(event, event.deadline + " " + event.level, record.timestamp());
            } else if (event.isAnswered()) {
                joined(event, event.time, record.timestamp());
            }
        }

        /** Keep what the first event of a case says; with the second it is known whether the case was in time. */
        private void joined(Event event, String said, long timestamp) {
            String other = cases.putIfAbsent(event.caseId, said);
            if (other == null) {
                return;
            }
            String[] found = (event.isFound() ? said : other).split(" ");
            String answered = event.isFound() ? other : said;
            if (answered.compareTo(found[0]) <= 0) {
                forward(event, found[0], byLevel(MET, found[1]), timestamp);
            }
        }

        private void forward(Event event, String time, byte[] change, long timestamp) {
            String month = months.computeIfAbsent(time.substring(0, 13), Count::month);
            context.forward(new Record<>(event.unit + "|" + month, change, timestamp));
        }

        private static byte[] byLevel(int first, String level) {
            return switch (level) {
                case "high" -> Event.pairs(first, 1, first + 1, 1);
                case "low" -> Event.pairs(first, 1, first + 2, 1);
                default -> Event.pairs(first, 1);
            };
        }

        /** The month in Asia/Shanghai, eight hours ahead all year, of an hour in UTC. */
        private static String month(String hour) {
            LocalDate day = LocalDate.parse(hour.substring(0, 10));
            boolean isNext = Integer.parseInt(hour.substring(11)) >= 16;
            return (isNext ? day.plusDays(1) : day).toString().substring(0, 7);
        }
    }

    /** What counts of an event; an absent field keeps its neutral value. */
    private static final class Event {
        private String source;
        private String id;
        private String type;
        private String time;
        private String unit;
        private String channel;
        private String level;
        private String caseId;
        private String deadline;
        private boolean isGood;
        private long amount;

        static Event read(JsonFactory json, byte[] body) {
            Event found = new Event();
            try (JsonParser parser = json.createParser(body)) {
                while (parser.nextToken() != null) {
                    if (parser.currentToken() == JsonToken.FIELD_NAME) {
                        found.take(parser.currentName(), parser);
                    }
                }
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
            return found;
        }

        private void take(String name, JsonParser parser) throws IOException {
            parser.nextToken();
            switch (name) {
                case "source" -> source = parser.getText();
                case "id" -> id = parser.getText();
                case "type" -> type = parser.getText();
                case "time" -> time = parser.getText();
                case "subject" -> unit = parser.getText();
                case "channel" -> channel = parser.getText();
                case "case" -> caseId = parser.getText();
                case "deadline" -> deadline = parser.getText();
                case "level" -> level = parser.getText();
                case "ontime", "satisfied" -> isGood = parser.getBooleanValue();
                case "seconds" -> amount = parser.getLongValue();
                case "amount" -> amount = cents(parser.getText());
                default -> { }
            }
        }

        /** An amount with exactly two places, as whole cents. */
        private static long cents(String text) {
            int point = text.length() - 3;
            if (text.charAt(point) != '.') {
                throw new IllegalArgumentException("Not an amount with two places: " + text);
            }
            return 100 * Long.parseLong(text, 0, point, 10) + Long.parseLong(text, point + 1, text.length(), 10);
        }

        boolean isFound() {
            return type.equals("risk.found.v1");
        }

        boolean isAnswered() {
            return type.equals("risk.answered.v1");
        }

        byte[] change() {
            return switch (type) {
                case "levy.paid.v1" -> flagged(LEVY);
                case "service.given.v1" -> flagged(SERVICE);
                case "risk.found.v1" -> pairs(FOUND, 1, FOUND + 1 + LEVELS.indexOf(level), 1);
                case "risk.answered.v1" -> pairs(ANSWERED, 1, ANSWERED + 1, amount);
                default -> throw new IllegalArgumentException(type);
            };
        }

        /** Count, sum, good, four channels, the good of each channel, bad, sum of the bad. */
        private byte[] flagged(int first) {
            int place = first + 3 + CHANNELS.indexOf(channel);
            return isGood
                    ? pairs(first, 1, first + 1, amount, first + 2, 1, place, 1, place + 4, 1)
                    : pairs(first, 1, first + 1, amount, place, 1, first + 11, 1, first + 12, amount);
        }

        private static byte[] pairs(long... slotsAndAmounts) {
            ByteBuffer made = ByteBuffer.allocate(9 * slotsAndAmounts.length / 2);
            for (int at = 0; at < slotsAndAmounts.length; at += 2) {
                made.put((byte) slotsAndAmounts[at]).putLong(slotsAndAmounts[at + 1]);
            }
            return made.array();
        }
    }
}
