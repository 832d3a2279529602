package io.kloigos;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.AnnotationTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePath;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.lang.model.element.Modifier;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;

/**
 * Every public type and method of every published module has Javadoc. The compiler's own check ({@code -Xdoclint}, see
 * the root POM) makes sure that it is right, but would ask for {@code @param} and {@code @return} everywhere.
 */
class PublicApiIsDocumentedTest {
    private static final Path ROOT = Files.isDirectory(Path.of("kloigos-core")) ? Path.of("") : Path.of("..");

    private final List<String> seen = new ArrayList<>();
    private final List<String> undocumented = new ArrayList<>();

    @Test
    void everyPublicTypeAndMethodHasJavadoc() throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            JavacTask task = (JavacTask)
                    compiler.getTask(null, files, null, null, null, files.getJavaFileObjectsFromPaths(sources()));
            DocTrees docs = DocTrees.instance(task);
            for (CompilationUnitTree unit : task.parse()) {
                for (Tree type : unit.getTypeDecls()) {
                    if (type instanceof ClassTree top
                            && top.getModifiers().getFlags().contains(Modifier.PUBLIC)) {
                        look(docs, new TreePath(new TreePath(unit), top), top, String.valueOf(unit.getPackageName()));
                    }
                }
            }
        }

        assertThat(seen)
                .hasSizeGreaterThan(150)
                .contains("io.kloigos.Kloigos", "io.kloigos.model.CpuSet.parse", "io.kloigos.spi.HostSession.apply");
        assertThat(undocumented).isEmpty();
    }

    private static List<Path> sources() throws IOException {
        List<Path> sources = new ArrayList<>();
        try (Stream<Path> modules = Files.list(ROOT)) {
            for (Path main : modules.map(module -> module.resolve("src/main/java"))
                    .filter(path -> path.toString().contains("kloigos-") && Files.isDirectory(path))
                    .toList()) {
                try (Stream<Path> files = Files.walk(main)) {
                    files.filter(file -> file.toString().endsWith(".java")
                                    && !file.endsWith("package-info.java")
                                    && !file.endsWith("module-info.java"))
                            .forEach(sources::add);
                }
            }
        }
        return sources;
    }

    private void look(DocTrees docs, TreePath path, ClassTree type, String enclosing) {
        String name = enclosing + "." + type.getSimpleName();
        note(docs, path, name);
        for (Tree member : type.getMembers()) {
            TreePath at = new TreePath(path, member);
            if (member instanceof MethodTree method && isPublic(method.getModifiers(), type) && isNew(method, type)) {
                note(docs, at, name + "." + method.getName());
            } else if (member instanceof ClassTree nested && isPublic(nested.getModifiers(), type)) {
                look(docs, at, nested, name);
            }
        }
    }

    private void note(DocTrees docs, TreePath path, String name) {
        seen.add(name);
        if (docs.getDocCommentTree(path) == null) {
            undocumented.add(name);
        }
    }

    private static boolean isPublic(ModifiersTree modifiers, ClassTree enclosing) {
        return modifiers.getFlags().contains(Modifier.PUBLIC)
                || (enclosing.getKind() == Tree.Kind.INTERFACE
                        && !modifiers.getFlags().contains(Modifier.PRIVATE));
    }

    /**
     * What overrides something is documented there, a record's constructor with the record; and a test's name says what it
     * asserts.
     */
    private static boolean isNew(MethodTree method, ClassTree enclosing) {
        boolean constructor = method.getName().contentEquals("<init>");
        return !(constructor && enclosing.getKind() == Tree.Kind.RECORD)
                && method.getModifiers().getAnnotations().stream()
                        .map(AnnotationTree::getAnnotationType)
                        .map(Tree::toString)
                        .noneMatch(annotation -> annotation.equals("Override") || annotation.endsWith("Test"));
    }
}
